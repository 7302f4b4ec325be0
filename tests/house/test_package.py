"""What is shipped: nothing is left out, and what others declare of it is the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import hbd
from hbd.cli import original
from tests.house.tree import ROOT, files, is_below, python_files

SHIPPED_FOLDERS = ("hbd", "units", "dbus", "polkit", "completion", "man", "desktop")

# The daemon's libraries: the name on PyPI and the name of Debian's package.
DEBIAN_NAMES = {
    "dbus-next": "python3-dbus-next",
    "pyroute2": "python3-pyroute2",
    "pyserial": "python3-serial",
    "sdnotify": "python3-sdnotify",
}


def test_everything_shipped_has_its_place(installed: Path) -> None:
    """Goal: a new unit or page is installed too. Method: compare the contents with the tree's."""
    placed = {path.read_bytes() for path in installed.rglob("*") if path.is_file()}
    left_out = [
        str(path.relative_to(ROOT))
        for path in files()
        if any(is_below(path, folder) for folder in SHIPPED_FOLDERS)
        and path.read_bytes() not in placed
    ]
    assert left_out == []


def test_the_commands_are_where_the_units_and_pages_say(installed: Path) -> None:
    """Goal: every command can be run. Method: they are executable and import by full name."""
    commands = {
        "usr/sbin/hbd": "hbd.__main__ import main",
        "usr/bin/hbctl": "hbd.cli.main import main",
        "usr/bin/hbd-notify": "hbd.notify.main import main",
        "usr/bin/hbd-replay": "hbd.replay.main import main",
        "usr/bin/cl_status": "hbd.cli.heartbeat import cl_status",
        "usr/bin/hb_standby": "hbd.cli.heartbeat import hb_standby",
        "usr/bin/hb_takeover": "hbd.cli.heartbeat import hb_takeover",
    }
    for place, imported in commands.items():
        command = installed / place
        assert os.access(command, os.X_OK), place
        lines = command.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/python3 -I", "nobody's PYTHONPATH may reach root"
        assert f"from {imported}" in lines
        assert lines[-1] == f"sys.exit({imported.rpartition(' ')[2]}())"


def test_heartbeats_commands_are_where_its_scripts_look_for_them(installed: Path) -> None:
    """Goal: `/usr/share/heartbeat/hb_standby` works. Method: the links lead to the commands."""
    for name in ("hb_standby", "hb_takeover"):
        link = installed / "usr/share/heartbeat" / name
        assert link.resolve() == (installed / "usr/bin" / name).resolve()
        assert not link.readlink().is_absolute()


def test_nothing_is_installed_for_this_machine_only(installed: Path) -> None:
    """Goal: one package for every Debian. Method: no folder with a Python version in its name."""
    assert [path for path in installed.rglob("python3.*") if path.is_dir()] == []


def test_the_version_is_told_once(installed: Path) -> None:
    """Goal: package, daemon and news agree. Method: read all three."""
    changelog = (ROOT / "debian/changelog").read_text()
    news = re.search(r"^## (\S+)", (ROOT / "NEWS.md").read_text(), re.MULTILINE)
    assert changelog.startswith(f"hbd ({hbd.__version__}) ")
    assert news is not None
    assert news[1] == hbd.__version__


def test_the_package_depends_on_what_the_daemon_imports() -> None:
    """Goal: an installed hbd starts. Method: pyproject.toml's libraries are debian/control's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=]", line)[0] for line in project["dependencies"]}
    control = (ROOT / "debian/control").read_text()
    depends = re.search(r"^Depends:((?:.*\n)(?: .*\n)*)", control, re.MULTILINE)
    assert depends is not None
    packages = {name.strip().split(" ")[0] for name in depends[1].split(",")}
    libraries = {name for name in packages if name.startswith("python3-")}
    assert libraries == {DEBIAN_NAMES[name] for name in wanted}


def test_the_venv_holds_all_that_is_declared() -> None:
    """Goal: the tests run with what pyproject.toml asks for. Method: compare the names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = (project["dependencies"], *project["optional-dependencies"].values())
    declared = {re.split(r"[<>=]", line)[0] for group in groups for line in group}
    pinned = re.findall(r"^([\w-]+)==", (ROOT / ".ci/requirements.txt").read_text(), re.MULTILINE)
    assert declared <= set(pinned)


def test_no_module_is_shipped_that_runs_on_import() -> None:
    """Goal: importing is free of surprises. Method: only the entry point calls main."""
    callers = {
        str(path.relative_to(ROOT))
        for path in python_files("hbd")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert callers <= {"hbd/__main__.py"}


def test_what_is_put_aside_for_us_comes_back_when_we_go() -> None:
    """Goal: heartbeat's commands return. Method: one list in two scripts; and hbctl's calls."""
    lists = [
        re.findall(r"^(/usr/\S+) (\S+)$", (ROOT / "debian" / script).read_text(), re.MULTILINE)
        for script in ("preinst", "postrm")
    ]
    assert lists[0] == lists[1]
    put_aside = dict(lists[0])
    assert set(original.ORIGINALS.values()) <= set(put_aside.values())
    assert {Path(path).name for path in put_aside} >= set(original.ORIGINALS)


def test_the_maintainer_scripts_are_shell() -> None:
    """Goal: an install never stops half-way on a typing error. Method: dash reads each of them."""
    scripts = [
        *sorted((ROOT / "debian").glob("p*[mt]")),
        ROOT / "units/hbd-deadman",
    ]
    for script in scripts:
        subprocess.run(["sh", "-n", str(script)], check=True)
    assert {script.name for script in scripts} >= {
        "preinst",
        "postinst",
        "postrm",
        "prerm",
        "hbd-deadman",
    }
