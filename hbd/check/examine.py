"""The examiner: everything that touches files, disks and other programs, in a process of its own.

systemd starts it as hbd-check.service when the daemon asks. It is not the daemon's own work: a disk
that hangs holds whatever process asks it, even against SIGKILL; testparm and its like have no
business in the daemon's sandbox and real-time schedule; and what crashes here stops nothing. Each
subject has a thread and a deadline: one without an answer is an error line, and the others are told
all the same.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from hbd.check import clock, disk, files, ganesha, kernel_nfs, nfs, samba
from hbd.check.finding import CheckId, Finding, Report, error, joined
from hbd.check.order import DIRECTORY, Order, read_order, write_found
from hbd.errors import AdapterError

LIMIT_SECONDS: Final = 4.0  # for all together; the daemon itself waits for 7


def run(directory: Path = DIRECTORY) -> None:
    """Do what the order says and leave the result. AdapterError: there is no order."""
    order = read_order(directory)
    write_found(order.number, examined(subjects(order)), directory)


def subjects(order: Order) -> dict[str, tuple[CheckId, Callable[[], Report]]]:
    """What is to be looked at: by name, with the check that has failed if there is no answer."""
    points = [each.directory for each in order.disks]
    directory = Path(order.config_directory)
    asked: dict[str, tuple[CheckId, Callable[[], Report]]] = {
        "the files": (
            CheckId.CONFIG_LOADED,
            partial(files.look, directory, order.node, order.digest),
        ),
        "the clock": (CheckId.CLOCK_SYNCHRONISED, clock.look),
    }
    for each in order.disks:
        asked[each.device] = (CheckId.DISK_PRESENT, partial(disk.look, each))
    if order.samba:
        away = [each.directory for each in order.disks if not each.held]
        asked["testparm"] = (CheckId.SAMBA_CONFIG, partial(samba.look, points, away))
    if order.kernel_nfs:
        asked["the exports"] = (CheckId.NFS_FSID, lambda: nfs.look(kernel_nfs.server(), points))
    if order.ganesha:
        asked["ganesha"] = (CheckId.NFS_FSID, lambda: nfs.look(ganesha.server(), points))
    return asked


def examined(
    asked: dict[str, tuple[CheckId, Callable[[], Report]]], limit_seconds: float = LIMIT_SECONDS
) -> Report:
    """All answers that come in time; an error line for each that does not."""
    answers: queue.SimpleQueue[tuple[str, Report]] = queue.SimpleQueue()
    for name, (check, look) in asked.items():
        work = partial(_answer, answers, name, check, look)
        threading.Thread(target=work, name=name, daemon=True).start()
    deadline = time.monotonic() + limit_seconds
    found: dict[str, Report] = {}
    while len(found) < len(asked):
        try:
            name, report = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = report
    silent = [_silent(name, asked[name][0], limit_seconds) for name in asked if name not in found]
    return joined([*found.values(), Report(tuple(silent))])


def _answer(
    answers: queue.SimpleQueue[tuple[str, Report]],
    name: str,
    check: CheckId,
    look: Callable[[], Report],
) -> None:
    try:
        report = look()
    except Exception as problem:  # noqa: BLE001 - one subject's trouble is a line, not the end
        report = Report((error(check, f"{name} cannot be examined: {problem}", _LOOK),))
    answers.put((name, report))


_LOOK: Final = "journalctl -e -u hbd-check"


def _silent(name: str, check: CheckId, limit_seconds: float) -> Finding:
    why = f"{name}: no answer in {limit_seconds:g} s; it, or the path to it, hangs"
    return error(check, why, "journalctl -k -e; cat /proc/pressure/io")


def main(arguments: Sequence[str] = ()) -> int:
    """hbd-check.service: examine, and end without waiting for what hangs."""
    assert not arguments, "it takes its order from a file"
    try:
        run()
    except AdapterError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0
