"""What one lab has made on this machine, written down before it is made; and its undoing.

`/run/hbd-lab/ID.json` lists processes, network namespaces, mounts, loop devices, control groups and
folders in the order they were made. `sweep` undoes them backwards and is the only way anything of a
lab is taken down: at the end of a run, after Ctrl-C, by `make demo-down`, and by the next lab that
finds a ledger whose owner is dead. Undoing what is already gone is no error.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.lab.harness import cgroups
from tests.lab.harness.host import LabError, start_time

RUN = Path("/run/hbd-lab")
GONE_WITHIN = 10.0  # s for a killed process or a busy mount to go: seen well below 1


class Ledger:
    """One lab's entry book. `facts` is for others to read (leader pids, addresses)."""

    def __init__(self, lab_id: str, path: Path) -> None:
        self.lab_id = lab_id
        self.path = path
        self._things: list[tuple[str, str]] = []
        self.facts: dict[str, str] = {}
        self._owner: tuple[int, int | None] = (os.getpid(), start_time(os.getpid()))

    @classmethod
    def open_new(cls) -> Ledger:
        """Begin a lab with an id of its own; its empty ledger is on disk when this returns."""
        RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        lab_id = secrets.token_hex(3)
        ledger = cls(lab_id, RUN / f"{lab_id}.json")
        ledger._save()
        return ledger

    def note(self, kind: str, name: str) -> None:
        """Write down one thing about to be made."""
        assert kind in _UNDO, f"nobody knows how to undo a {kind}"
        self._things.append((kind, name))
        self._save()

    def note_process(self, pid: int) -> None:
        """Write down a process just started (only then it has a pid)."""
        self.note("process", f"{pid} {start_time(pid)}")

    def forget(self, kind: str, name: str) -> None:
        """Strike out a thing that was undone on the way."""
        self._things = [thing for thing in self._things if thing != (kind, name)]
        self._save()

    def fact(self, name: str, value: str) -> None:
        """Tell other processes something about the running lab."""
        self.facts[name] = value
        self._save()

    def sweep(self) -> list[str]:
        """Undo everything, last first; what could not be undone is returned and stays listed."""
        troubles: list[str] = []
        for kind, name in reversed(self._things.copy()):
            try:
                _UNDO[kind](name)
            except (OSError, subprocess.CalledProcessError, LabError) as error:
                troubles.append(f"{kind} {name}: {error}")
            else:
                self.forget(kind, name)
        if not troubles:
            self.path.unlink(missing_ok=True)
        return troubles

    @property
    def owner(self) -> int | None:
        """The process that made this lab, None if it is gone."""
        pid, began = self._owner
        return None if began is None or start_time(pid) != began else pid

    @property
    def is_orphan(self) -> bool:
        """Whether the process that made this lab is gone."""
        return self.owner is None

    @property
    def began(self) -> int:
        """When the lab was made, comparable with other labs'."""
        return self._owner[1] or 0

    def _save(self) -> None:
        text = json.dumps(
            {"owner": self._owner, "facts": self.facts, "things": self._things}, indent=1
        )
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.path)

    @classmethod
    def _load(cls, path: Path) -> Ledger:
        stored = json.loads(path.read_text())
        ledger = cls(path.stem, path)
        ledger._owner = (stored["owner"][0], stored["owner"][1])
        ledger.facts = stored["facts"]
        ledger._things = [(kind, name) for kind, name in stored["things"]]
        return ledger


def all_ledgers() -> Iterator[Ledger]:
    """Every lab known on this machine, running or not."""
    for path in sorted(RUN.glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # taken down while we looked
            yield Ledger._load(path)


def sweep_orphans() -> list[str]:
    """Take down every lab whose owner is dead; returns what would not go.

    Labs begin at the same time, and two that swept one orphan would each find half of it gone.
    """
    RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    alone = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX)
        return [line for ledger in all_ledgers() if ledger.is_orphan for line in ledger.sweep()]
    finally:
        os.close(alone)


def _end_process(name: str) -> None:
    pid, began = name.split()
    number = int(pid)
    if began == "None" or start_time(number) != int(began):
        return
    with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
        os.kill(number, signal.SIGKILL)
    _wait_until_gone(lambda: start_time(number) != int(began), f"process {pid}")


def _end_netns(name: str) -> None:
    if Path("/run/netns", name).exists():
        _command("ip", "netns", "del", name)


def _end_mount(name: str) -> None:
    while os.path.ismount(name):
        _command("umount", name)


def _end_loop(name: str) -> None:
    backing = Path("/sys/block", Path(name).name, "loop/backing_file")
    if backing.exists():
        _command("losetup", "-d", name)
        _wait_until_gone(lambda: not backing.exists(), f"loop device {name}")


def _end_folder(name: str) -> None:
    path = Path(name)
    if os.path.ismount(path):
        raise LabError(f"{path} is still a mount point, and nothing is deleted through one")
    if path.is_dir():
        shutil.rmtree(path)


def _end_cgroup(name: str) -> None:
    cgroups.remove(name)


def _command(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=GONE_WITHIN)


def _wait_until_gone(is_gone: Callable[[], bool], what: str) -> None:
    """The kernel gives no event for these; look again shortly, with a bound."""
    deadline = time.monotonic() + GONE_WITHIN
    while not is_gone():
        if time.monotonic() > deadline:
            raise LabError(f"{what} is still there after {GONE_WITHIN:g} s")
        time.sleep(0.005)


_UNDO = {
    "process": _end_process,
    "netns": _end_netns,
    "mount": _end_mount,
    "loop": _end_loop,
    "folder": _end_folder,
    "cgroup": _end_cgroup,
}
