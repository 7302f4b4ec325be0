"""hbd.service under systemd: killed, frozen, broken, stopped, shut down. A stand-in plays hbd."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from hbd.systemd import unitfile
from hbd.systemd.limits import deadman_usec, watchdog_usec
from tests.lab.systemd.conftest import changed, in_time
from tests.lab.systemd.machine import DEADTIME_USEC, GROUP, Machine

pytestmark = pytest.mark.lab

HBD = "hbd.service"
DEADTIME = DEADTIME_USEC / 1_000_000
KEEPALIVE = 1.0  # s, as in the article's ha.cf
SLOWEST = 30.0  # s: what takes that long on the busiest machine is not coming


async def is_held(machine: Machine) -> bool:
    """Whether address, file system and server are all there; none of them there is False."""
    units = await machine.say("systemctl", "is-active", "ttidisk.mount", "smbd.service")
    address = await machine.say("ip", "-o", "address", "show", "to", GROUP)
    parts = [*(state == "active" for state in units.split()), bool(address)]
    assert len(set(parts)) == 1, f"half held: {units.split()}, address {address!r}"
    return parts[0]


async def wait_for_new_hbd(machine: Machine, old: int) -> None:
    """Until hbd runs again, as a new process."""
    await changed(machine, HBD, "active", within=SLOWEST)
    assert await machine.main_pid(HBD) not in (0, old)


async def until_unmounted(machine: Machine, signal: str) -> float:
    """Send hbd a signal; how long the file system stays, in s."""
    hbd = str(await machine.main_pid(HBD))
    gone = asyncio.create_task(changed(machine, "ttidisk.mount", "inactive", within=SLOWEST))
    began = time.monotonic()
    await machine.say("kill", signal, hbd)
    await gone
    return time.monotonic() - began


async def test_a_killed_hbd_comes_back_and_nothing_moves(with_hbd: Machine) -> None:
    """Goal: the daemon's death is not the service's. Method: SIGKILL; smbd is the same process.

    Then a stop: the daemon that was started while the disk was mounted does not pin it.
    """
    hbd, smbd = await with_hbd.main_pid(HBD), await with_hbd.main_pid("smbd.service")
    cursor = await with_hbd.node.journal.cursor()
    await with_hbd.say("kill", "-KILL", str(hbd))
    await with_hbd.node.journal.wait_for(
        f"UNIT={HBD}", "JOB_TYPE=start", after=cursor, within=SLOWEST
    )
    await wait_for_new_hbd(with_hbd, hbd)
    await changed(with_hbd, unitfile.DEADMAN_TIMER, "inactive", within=SLOWEST)
    assert await with_hbd.main_pid("smbd.service") == smbd
    assert await is_held(with_hbd)

    await with_hbd.node.run(["systemctl", "stop", HBD])
    assert not await is_held(with_hbd)
    assert "released" in await with_hbd.say("journalctl", "-o", "cat", "-u", HBD)


_SCHEDULE = """
import os, sys
pid = int(sys.argv[1])
print(os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid))
"""


async def schedule(machine: Machine) -> tuple[int, int]:
    """The daemon's policy with its flags, and its nice value."""
    pid = str(await machine.main_pid(HBD))
    policy, nice = (await machine.say("python3", "-c", _SCHEDULE, pid)).split()
    return int(policy), int(nice)


async def test_the_daemon_is_real_time_from_its_first_instruction(with_hbd: Machine) -> None:
    """Goal: no heartbeat is late, no return either. Method: ask the kernel, twice.

    The second time of a daemon that never gets ready: one that holds nothing gives real-time up by
    itself, this one does not.
    """
    assert (await schedule(with_hbd))[0] == os.SCHED_RR
    place = with_hbd.root / "etc/systemd/system/hbd.service.d/never.conf"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("[Service]\nExecStart=\nExecStart=/bin/sleep 1000\n")
    await with_hbd.node.run(["systemctl", "daemon-reload"])
    await with_hbd.node.run(["systemctl", "stop", HBD])
    started = asyncio.create_task(changed(with_hbd, HBD, "activating", within=SLOWEST))
    await with_hbd.node.run(["systemctl", "start", "--no-block", HBD])
    await started
    policy, nice = await schedule(with_hbd)
    assert policy == os.SCHED_RR
    assert nice < 0
    await with_hbd.node.run(["systemctl", "kill", "--signal=SIGKILL", HBD])


async def test_a_frozen_hbd_is_killed_in_time_and_nothing_moves() -> None:
    """Goal: a hung daemon is a dead one. Method: SIGSTOP; its watchdog, then as above."""

    async def story(machine: Machine) -> float:
        hbd, smbd = await machine.main_pid(HBD), await machine.main_pid("smbd.service")
        cursor = await machine.node.journal.cursor()
        began = time.monotonic()
        await machine.say("kill", "-STOP", str(hbd))
        await machine.node.journal.wait_for(
            f"UNIT={HBD}", "JOB_TYPE=start", after=cursor, within=SLOWEST
        )
        took = time.monotonic() - began
        await wait_for_new_hbd(machine, hbd)
        assert await machine.main_pid("smbd.service") == smbd
        assert await is_held(machine)
        return took

    await in_time(story, watchdog_usec(DEADTIME_USEC) / 1e6 + 1.0)


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_an_hbd_that_does_not_come_back_holds_nothing_when_deadtime_ends(how: str) -> None:
    """Goal: the peer may take over at its deadtime. Method: hbd ends and cannot start again.

    The peer's clock began with our last heartbeat, up to one keepalive before.
    """

    async def story(machine: Machine) -> float:
        (machine.root / "etc/standin-broken").touch()
        took = await until_unmounted(machine, f"-{how}")
        await changed(machine, "hbd-deadman.service", "inactive", within=SLOWEST)
        assert took > deadman_usec(DEADTIME_USEC) / 1e6, "it was given its time to come back"
        assert not await is_held(machine)
        assert not any((machine.held / "holds").iterdir())
        assert not any((machine.held / "addresses").iterdir())
        return took

    await in_time(story, DEADTIME - KEEPALIVE)


async def test_a_refused_configuration_at_a_restart_stops_the_groups_at_once(
    with_hbd: Machine,
) -> None:
    """Goal: exit 78 is final, so nobody waits. Method: hbd ends, and the new one exits with 78.

    The dead man's timer was set by the first end, and has never struck.
    """
    program = with_hbd.root / "usr/sbin/hbd"
    program.write_text("#!/bin/sh\nexit 78\n")
    await until_unmounted(with_hbd, "-KILL")
    struck = "--property=LastTriggerUSecMonotonic"
    timer = await with_hbd.say("systemctl", "show", struck, "--value", unitfile.DEADMAN_TIMER)
    assert timer.strip() == "0"
    await changed(with_hbd, HBD, "failed", within=SLOWEST)
    await changed(with_hbd, "hbd-deadman.service", "inactive", within=SLOWEST)
    assert not await is_held(with_hbd)


async def test_a_server_that_will_not_stop_does_not_stop_the_dead_man() -> None:
    """Goal: out before deadtime, whatever hangs. Method: smbd's stop sleeps for ever."""

    async def story(machine: Machine) -> float:
        place = machine.root / "etc/systemd/system/smbd.service.d/hang.conf"
        place.parent.mkdir(parents=True)
        place.write_text("[Service]\nExecStop=/bin/sleep 1000\n")
        await machine.node.run(["systemctl", "daemon-reload"])
        (machine.root / "etc/standin-broken").touch()
        return await until_unmounted(machine, "-KILL")

    await in_time(story, DEADTIME - KEEPALIVE)


async def test_a_forgotten_shell_does_not_stop_the_dead_man() -> None:
    """Goal: unmounted before deadtime, whoever uses it. Method: a process that stands there."""

    async def story(machine: Machine) -> float:
        (machine.root / "etc/standin-broken").touch()
        await machine.node.run(["systemd-run", "--working-directory=/ttidisk", "sleep", "1000"])
        took = await until_unmounted(machine, "-KILL")
        await changed(machine, "hbd-deadman.service", "inactive", within=SLOWEST)
        assert not await is_held(machine)
        return took

    await in_time(story, DEADTIME - KEEPALIVE)


async def test_without_a_bus_hbd_still_hands_over(with_hbd: Machine) -> None:
    """Goal: a release does not need dbus-daemon. Method: stop the bus, then hbd."""
    await with_hbd.node.run(["systemctl", "stop", "dbus.socket", "dbus.service"])
    await with_hbd.node.run(["systemctl", "stop", HBD])
    assert "released" in await with_hbd.say("journalctl", "-o", "cat", "-u", HBD)
    assert not await is_held(with_hbd)


async def test_at_shutdown_hbd_hands_over_first(with_hbd: Machine) -> None:
    """Goal: release while bus, disk and network are up, and no wait. Method: poweroff, then read.

    The journal of the last boot has the order; a stop that waited for its time limit shows in the
    time it took.
    """
    took = await with_hbd.node.shutdown()
    assert took < 10
    await with_hbd.node.boot()
    told = (await with_hbd.say("journalctl", "-b", "-1", "-o", "cat")).splitlines()
    order = [
        next(at for at, line in enumerate(told) if line.startswith(words))
        for words in (
            "Stopped smbd.service",
            "Unmounted ttidisk.mount",
            "released",
            "Stopped hbd.service",
            "Stopped dbus.service",
        )
    ]
    assert order == sorted(order)
    assert not [line for line in told if "timed out" in line or "hbd-deadman" in line]


async def test_after_a_power_cut_nothing_starts_that_hbd_did_not_start(with_hbd: Machine) -> None:
    """Goal: a node that comes back takes nothing by itself. Method: power cut, boot without hbd."""
    await with_hbd.node.run(["systemctl", "disable", HBD])
    await with_hbd.node.kill()
    await with_hbd.node.boot()
    assert not await is_held(with_hbd)
    refused = await with_hbd.node.run(["systemctl", "start", "ttidisk.mount"], check=False)
    assert refused.status != 0


async def test_systemd_has_nothing_to_say_about_our_units(with_hbd: Machine) -> None:
    """Goal: what is shipped is understood. Method: verify as installed, with this systemd."""
    units = [f"/usr/lib/systemd/system/{name}" for name in (HBD, "hbd-deadman.timer")]
    told = await with_hbd.node.run(["systemd-analyze", "verify", "--man=no", *units], check=False)
    assert [line for line in (told.out + told.err).splitlines() if "hbd" in line] == []


async def test_the_sandbox_is_tight(with_hbd: Machine) -> None:
    """Goal: 3.0 at most on this systemd. Method: systemd-analyze security on the running unit."""
    words = ["systemd-analyze", "security", "--no-pager", "--threshold=30", HBD]
    assert (await with_hbd.node.run(words, check=False)).status == 0
