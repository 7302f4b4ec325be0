"""The unit files: systemd accepts them, and every line says why it is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT, where

UNITS = ROOT / "units"
USER_UNITS = UNITS / "user"
PLACE = "usr/lib/systemd"
DISTRIBUTION_UNITS = Path("/", PLACE)
UNIT_KINDS = ("service", "target", "timer", "socket", "path", "mount")
SELF_EVIDENT = ("Description=", "Documentation=", "WantedBy=")


def unit_files() -> list[Path]:
    """Every unit of ours that the machine's systemd runs."""
    return sorted(path for kind in UNIT_KINDS for path in UNITS.glob(f"*.{kind}"))


def user_unit_files() -> list[Path]:
    """Every unit of ours that a user's systemd runs."""
    return sorted(USER_UNITS.glob("*.service"))


def uncommented(text: str) -> list[int]:
    """Lines of settings without a comment: neither above them nor above the block they stand in.

    A comment covers the settings below it up to the next empty line or section.
    """
    missing: list[int] = []
    covered = False
    continued = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(("#", ";")):
            covered = True
        elif not line.strip() or line.startswith("["):
            covered = False
        elif not (continued or covered or line.startswith(SELF_EVIDENT)):
            missing.append(number)
        continued = line.endswith("\\")
    return missing


def left_open() -> set[str]:
    """What hbd.service says that it leaves open, by systemd-analyze's own names."""
    _, _, text = (UNITS / "hbd.service").read_text().partition("# What systemd-analyze security(1)")
    names = re.findall(r"^#   (\S[^:]*):", text, re.MULTILINE)
    return {name for line in names for name in line.split(", ")}


def found_open(told: str) -> set[str]:
    """What `systemd-analyze security --json=short` has found open."""
    return {each["name"] for each in json.loads(told) if each["set"] is False}


def test_every_exception_in_the_sandbox_has_its_reason() -> None:
    """Goal: nothing is open unnoticed, nothing closed is excused. Method: systemd's own list."""
    words = ["systemd-analyze", "security", "--offline=true", "--json=short"]
    told = subprocess.run(
        [*words, UNITS / "hbd.service"], capture_output=True, check=True, text=True
    )
    assert left_open() == found_open(told.stdout)


def test_every_setting_of_a_unit_has_its_reason() -> None:
    """Goal: nobody guesses why a line is there. Method: a comment above each line or block."""
    units = [*unit_files(), *user_unit_files()]
    bare = [where(path, line) for path in units for line in uncommented(path.read_text())]
    assert bare == []


def test_the_small_files_say_why_too() -> None:
    """Goal: the same for users, folders and presets. Method: each begins with a comment."""
    for name in ("hbd.sysusers", "hbd.tmpfiles", "hbd.preset", "user/hbd-user.preset"):
        assert (UNITS / name).read_text().startswith("#"), name


def test_systemd_accepts_the_units(installed: Path, tmp_path: Path) -> None:
    """Goal: no setting that systemd does not know. Method: systemd-analyze verify, as installed.

    The distribution's units are laid beside ours, so that ours are loaded with all that they
    depend on, and nothing of the machine that runs the test is asked.
    """
    shutil.copytree(DISTRIBUTION_UNITS / "system", tmp_path / PLACE / "system", symlinks=True)
    shutil.copytree(installed, tmp_path, symlinks=True, dirs_exist_ok=True)
    names = [re.sub(r"@\.", "@example.", path.name) for path in unit_files()]
    verified(f"--root={tmp_path}", *names)


def test_a_users_systemd_accepts_the_users_units(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the same for what a user's systemd runs. Method: the same tool without a root.

    So each unit is shown to it with the program's path as it is in our own.
    """
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for unit in user_unit_files():
        shown = tmp_path / unit.name
        shown.write_text(unit.read_text().replace("ExecStart=", f"ExecStart={installed}"))
        verified("--user", str(shown))


def verified(*words: str) -> None:
    """Nothing is said of our units, and all is well."""
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in told.stderr.splitlines() if "hbd" in line] == []
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[Service]\nRestart=no\n", 2),
        ("[Service]\n# why\nRestart=no\n\nUser=root\n", 5),
        ("# why\n[Service]\nExecStart=/bin/true \\\n  --option\n", 3),
    ],
)
def test_a_line_without_a_reason_is_seen(text: str, line: int) -> None:
    """Goal: the rule is awake. Method: units that break it in one place."""
    assert uncommented(text) == [line]
