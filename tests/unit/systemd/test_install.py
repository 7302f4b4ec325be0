"""Unit files on disk: only ours, only what changed, and in force or an error."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from hbd.errors import AdapterError
from hbd.systemd import install, unitfile
from hbd.systemd.unitfile import DROP_IN, MARK

MOUNT = PurePosixPath("ttidisk.mount")
SMBD = PurePosixPath("smbd.service.d") / DROP_IN
FILES = {MOUNT: f"{MARK}\n[Mount]\n", SMBD: f"{MARK}\n[Unit]\n"}


@dataclass
class Loader:
    """Reads a directory as systemd does: units by their file, drop-ins beside; /etc goes first."""

    directory: Path
    overruled: dict[str, str] = field(default_factory=dict)
    reloads: int = 0

    async def reload(self) -> None:
        self.reloads += 1

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        assert interface == "Unit"
        values: dict[str, object] = {
            "FragmentPath": self.overruled.get(unit, str(self.directory / unit)),
            "DropInPaths": [str(path) for path in self.directory.glob(f"{unit}.d/*")],
        }
        return tuple(values[name] for name in names)


async def test_the_second_time_nothing_is_written_or_reloaded(tmp_path: Path) -> None:
    """Goal: a restart of hbd costs no daemon-reload. Method: install twice."""
    systemd = Loader(tmp_path)
    assert await install.install(FILES, systemd, tmp_path)
    assert not await install.install(FILES, systemd, tmp_path)
    assert systemd.reloads == 1
    assert (tmp_path / SMBD).read_text() == FILES[SMBD]


async def test_what_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    """Goal: a resource taken out of haresources leaves nothing. Method: install fewer files."""
    systemd = Loader(tmp_path)
    await install.install(FILES, systemd, tmp_path)
    assert await install.install({MOUNT: FILES[MOUNT]}, systemd, tmp_path)
    assert os.listdir(tmp_path) == ["ttidisk.mount"]


async def test_files_of_others_are_never_touched(tmp_path: Path) -> None:
    """Goal: an administrator's unit survives. Method: one beside ours, one in our place."""
    (tmp_path / "other.mount").write_text("[Mount]\n")
    systemd = Loader(tmp_path)
    await install.install(FILES, systemd, tmp_path)
    assert (tmp_path / "other.mount").read_text() == "[Mount]\n"
    (tmp_path / MOUNT).write_text("[Mount]\nWhat=/dev/sdz\n")
    with pytest.raises(AdapterError):
        await install.install(FILES, systemd, tmp_path)
    assert (tmp_path / MOUNT).read_text() == "[Mount]\nWhat=/dev/sdz\n"


async def test_a_unit_overruled_in_etc_is_an_error(tmp_path: Path) -> None:
    """Goal: never run without our assertions. Method: systemd prefers another file."""
    systemd = Loader(tmp_path, overruled={"ttidisk.mount": "/etc/systemd/system/ttidisk.mount"})
    with pytest.raises(AdapterError):
        await install.install(FILES, systemd, tmp_path)


async def test_a_kill_between_writing_and_reloading_is_made_good(tmp_path: Path) -> None:
    """Goal: systemd always reads the last change. Method: a reload that fails, then a new try."""

    class Dying(Loader):
        async def reload(self) -> None:
            raise AdapterError("killed")

    with pytest.raises(AdapterError):
        await install.install(FILES, Dying(tmp_path), tmp_path)
    systemd = Loader(tmp_path)
    assert await install.install(FILES, systemd, tmp_path)
    assert systemd.reloads == 1


def test_only_files_with_our_first_line_are_ours(tmp_path: Path) -> None:
    """Goal: ownership is visible. Method: our line first, our line later, no file."""
    ours, later = tmp_path / "a", tmp_path / "b"
    ours.write_text(f"{MARK}\n")
    later.write_text(f"# x\n{MARK}\n")
    assert unitfile.is_ours(ours)
    assert not unitfile.is_ours(later)
    assert not unitfile.is_ours(tmp_path / "absent")


def test_what_a_unit_has_of_ours_is_found_as_it_stands(tmp_path: Path) -> None:
    """Goal: a unit that cannot be stopped keeps its files. Method: ours, another's, and none."""
    ours, others = tmp_path / "a.mount", tmp_path / "b.service"
    ours.write_text(f"{unitfile.MARK}\n\n[Mount]\n")
    others.write_text("[Service]\n")
    (tmp_path / "c.service.d").mkdir()
    (tmp_path / "c.service.d" / unitfile.DROP_IN).write_text(f"{unitfile.MARK}\n")
    found = install.present(["a.mount", "b.service", "c.service", "d.service"], tmp_path)
    assert {str(path) for path in found} == {"a.mount", f"c.service.d/{unitfile.DROP_IN}"}
    assert found[PurePosixPath("a.mount")] == ours.read_text()
