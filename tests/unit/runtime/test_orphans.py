"""What no line of haresources has any more is stopped at the start, and stays held if it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.cluster.terms import GroupName, NodeName, Usec
from hbd.errors import AdapterError
from hbd.net.address import SharedAddress
from hbd.runtime import orphans
from hbd.systemd import hold

HERE = NodeName("ttisrv1")
OURS, GONE = GroupName("10.0.0.1"), GroupName("10.0.0.2/24")
TARGET = "hbd-group@10.0.0.2-24.target"


class Machine:
    """A systemd with one target of two units, and a network with addresses."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.removed: list[str] = []
        self.fails = ""

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """See Units."""
        assert (unit, interface, names) == (TARGET, "Unit", ("ConsistsOf",))
        return (["a.mount", "b.service"],)

    async def stop(self, unit: str, timeout_usec: Usec) -> None:
        """See Units."""
        assert timeout_usec > 0
        if unit == self.fails:
            raise AdapterError("busy")
        self.stopped.append(unit)

    async def remove(self, shared: SharedAddress) -> None:
        """See Addresses."""
        self.removed.append(shared.address)


@pytest.mark.parametrize("fails", ["", "a.mount"])
async def test_only_what_is_gone_from_the_file_is_stopped(tmp_path: Path, fails: str) -> None:
    """Goal: nothing runs that nobody knows. Method: one group of two is gone; once it is busy."""
    machine = Machine()
    machine.fails = fails
    for group, address in ((OURS, "10.0.0.1"), (GONE, "10.0.0.2")):
        hold.hold(group, tmp_path)
        hold.note_address(address, 24, "eth0", tmp_path)
    left = await orphans.release(HERE, {OURS}, {"10.0.0.1"}, machine, machine, tmp_path)
    assert left == ({TARGET, "a.mount", "b.service"} if fails else set())
    assert machine.removed == ["10.0.0.2"]
    assert [note.address for note in hold.noted_addresses(tmp_path)] == ["10.0.0.1"]
    assert hold.held_groups(tmp_path) == ({OURS, GONE} if fails else {OURS})
    assert machine.stopped == ([TARGET] if fails else [TARGET, "a.mount", "b.service"])


async def test_where_nothing_was_held_nothing_is_done(tmp_path: Path) -> None:
    """Goal: a first start. Method: no directory at all."""
    machine = Machine()
    await orphans.release(HERE, {OURS}, set(), machine, machine, tmp_path)
    assert machine.stopped == machine.removed == []
