"""Units that would start at boot without being asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from hbd.systemd.boot import PULLS, enabled_at_boot
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState


@dataclass
class Machine:
    """One unit: whether it is enabled, and who pulls it in."""

    file_state: FileState = FileState.DISABLED
    pulls: dict[str, list[str]] = field(default_factory=dict)

    async def state(self, unit: str) -> UnitState:
        return UnitState(
            unit, LoadState.LOADED, ActiveState.INACTIVE, "dead", self.file_state, "success"
        )

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        assert (unit, interface, names) == (unit, "Unit", PULLS)
        return tuple(self.pulls.get(name, []) for name in names)


@pytest.mark.parametrize(
    ("unit", "machine", "fix"),
    [
        ("smbd.service", Machine(FileState.ENABLED), "systemctl disable 'smbd.service'"),
        (
            "old.service",
            Machine(FileState.GENERATED, {"WantedBy": ["multi-user.target"]}),
            "systemctl disable 'old.service'",
        ),
        (
            "x.service",
            Machine(pulls={"TriggeredBy": ["x.socket"]}),
            "systemctl disable 'x.socket'",
        ),
    ],
)
async def test_what_starts_by_itself_is_found_with_its_remedy(
    unit: str, machine: Machine, fix: str
) -> None:
    """Goal: the command that fixes it. Method: each way a unit can start at boot."""
    (found,) = await enabled_at_boot([unit], machine)
    assert (found.unit, found.fix) == (unit, fix)


@pytest.mark.parametrize("file_state", [FileState.GENERATED, FileState.ENABLED_RUNTIME])
async def test_a_mount_in_fstab_is_found(file_state: FileState) -> None:
    """Goal: no double mount at boot. Method: local-fs.target requires it, nobody enabled it."""
    machine = Machine(file_state, {"RequiredBy": ["local-fs.target"]})
    (found,) = await enabled_at_boot(["ttidisk.mount"], machine)
    assert "/etc/fstab" in found.fix


@pytest.mark.parametrize(
    "machine",
    [
        Machine(),
        Machine(FileState.STATIC, {"WantedBy": ["nfs-server.service"]}),
        Machine(pulls={"WantedBy": ["hbd-group@10.0.0.1.target"]}),
    ],
)
async def test_what_only_hbd_or_another_service_starts_is_left_alone(machine: Machine) -> None:
    """Goal: no false alarm. Method: disabled, wanted by a service, wanted by our own target."""
    assert await enabled_at_boot(["rpc-statd.service"], machine) == ()
