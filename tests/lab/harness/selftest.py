"""Prove the lab without hbd: move the group by hand, cut everything there is to cut.

Each check says what it saw; the figures are the floor under hbd's own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.lab.harness import disk, files, hand
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now, say
from tests.lab.harness.things import Thing
from tests.lab.harness.traces import traces

SERVED_WITHIN = 30.0  # s: NFSv4 waits for its grace period


async def selftest(suite: str) -> None:
    """Run every check in one lab; LabError at the first that fails."""
    async with Lab(suite=suite) as lab:
        await lab.boot()
        for check in _CHECKS:
            began = now()
            seen = await check(lab)
            say(f"{check.__name__}: {seen} ({now() - began:.2f} s)")
    left = sorted(traces(lab.lab_id))
    _demand(not left, f"the lab left behind: {left}")
    say("taken_down: nothing is left")


async def nodes_are_machines(lab: Lab) -> str:
    """Each node is a whole systemd with its own name, network and view of /sys."""
    for node in lab.nodes:
        state = (await node.run(["systemctl", "is-system-running"], check=False)).out.strip()
        failed = (await node.run(["systemctl", "--failed", "--plain", "--no-legend"])).out
        _demand(state == "running", f"{node.name} is {state}: {failed}")
        shown = (await node.run(["ls", "/sys/class/net"])).out.split()
        _demand(shown == ["eth0", "eth1", "lo"], f"{node.name}'s /sys shows {shown}")
        name = (await node.run(["uname", "-n"])).out.strip()
        _demand(name == node.name, f"{node.name} calls itself {name}")
    return "running, with eth0, eth1 and nothing else"


async def serial_carries(lab: Lab) -> str:
    """Bytes cross at no more than the baud rate; none while cut."""
    first, second = lab.nodes
    await first.run(["stty", "-F", "/dev/ttyS0", "raw", "-echo"])
    reader = asyncio.create_task(
        second.run(["timeout", "5", "head", "-c", "1920", "/dev/ttyS0"], check=False)
    )
    await second.run(["sh", "-c", "until pidof head >/dev/null; do sleep 0.01; done"])
    began = now()
    await first.run(["sh", "-c", "head -c 1920 /dev/zero >/dev/ttyS0"])
    got = (await reader).out
    took = now() - began
    _demand(len(got) == 1920, f"{len(got)} of 1920 bytes arrived")
    _demand(0.8 < took < 1.5, f"1920 bytes took {took:.2f} s at 19200 baud")
    lab.serial.cut()
    before = lab.serial.carried
    await first.run(["sh", "-c", "echo into the void >/dev/ttyS0"])
    await second.run(["sh", "-c", "echo into the void >/dev/ttyS0"])
    lab.serial.mend()
    _demand(lab.serial.carried == before, "bytes crossed a cut cable")
    return f"1920 bytes in {took:.2f} s, none while cut"


async def cables_can_be_cut(lab: Lab) -> str:
    """A cut cable shows no carrier and carries nothing; mended it is as before."""
    first = lab.nodes[0]
    far = files.CROSS_ADDRESSES[lab.nodes[1].name].partition("/")[0]
    ping = ["ping", "-c1", "-w5", far]  # goes on until an answer: a carrier takes up to 1 s
    await first.run(ping)
    await lab.cut_crossover()
    carrier = (await first.run(["cat", "/sys/class/net/eth1/carrier"])).out.strip()
    _demand(carrier == "0", f"carrier is {carrier} on a cut cable")
    _demand(
        (await first.run([*ping, "-w1"], check=False)).status != 0, "a ping crossed a cut cable"
    )
    await lab.mend_crossover()
    await first.run(ping)
    return "cut, seen, mended"


async def disk_views_agree(lab: Lab) -> str:
    """What one node wrote and unmounted the other reads, back and forth."""
    mark = Path(files.MOUNT_POINT, "mark")
    rounds = 20
    for number in range(rounds):
        writer, reader = lab.nodes if number % 2 else reversed(lab.nodes)
        script = f"mount {files.DEVICE} {files.MOUNT_POINT} && {{}} && umount {files.MOUNT_POINT}"
        await writer.run(["sh", "-c", script.format(f"echo {number} >{mark}")])
        seen = (await reader.run(["sh", "-c", script.format(f"cat {mark}")])).out.strip()
        _demand(seen == str(number), f"round {number}: the other node read '{seen}'")
    for device in lab.disk.devices:
        _demand(not disk.is_active(device), f"{device} is still active")
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL))
        damage = await disk.check(device)
        _demand(not damage, f"e2fsck of {device}: {damage}")
    return f"{rounds} rounds, both views sound"


async def group_serves(lab: Lab) -> str:
    """The client gets through to a group started by hand."""
    began = now()
    await lab.client.start()
    await hand.start(lab.nodes[0])
    return await _gaps(lab, began)


async def planned_move(lab: Lab) -> str:
    """Stop on one node, start on the other."""
    began = now()
    await hand.stop(lab.nodes[0])
    await hand.start(lab.nodes[1])
    return await _gaps(lab, began)


async def power_cut(lab: Lab) -> str:
    """The serving node loses power; the other one starts at once; the lost one boots again."""
    began = now()
    await lab.nodes[1].kill()
    cut = now() - began
    await hand.start(lab.nodes[0])
    gaps = await _gaps(lab, began)
    took = await lab.nodes[1].boot()
    return f"power gone in {cut * 1e3:.0f} ms, {gaps}; back in {took:.2f} s"


async def nothing_is_lost(lab: Lab) -> str:
    """Every acknowledged record is read back; disk and address were never on both nodes."""
    said = []
    for name, stream in lab.client.streams.items():
        verdict = await stream.verify()
        _demand(verdict.lost_bytes == 0, f"{name}: {verdict}")
        _demand(verdict.records > 0, f"{name}: nothing was ever written")
        handles = [what for _, what in stream.acks().troubles if "handle" in what]
        _demand(not handles, f"{name}: {handles}")
        said.append(f"{name} {verdict.records}")
    _demand(not lab.watch.overlaps(), f"overlaps: {lab.watch.overlaps()}")
    for thing in Thing:
        _demand(lab.watch.holders(thing) == ["ttisrv1"], f"{thing}: {lab.watch.holders(thing)}")
    await hand.stop(lab.nodes[0])
    pause = lab.watch.longest_pause
    return (
        f"records intact: {', '.join(said)}; the watch never looked away for {pause * 1e3:.0f} ms"
    )


async def shutdown_is_clean(lab: Lab) -> str:
    """`systemctl poweroff` ends a node by itself."""
    took = await lab.nodes[1].shutdown()
    return f"off in {took:.2f} s"


_CHECKS: tuple[Callable[[Lab], Awaitable[str]], ...] = (
    nodes_are_machines,
    serial_carries,
    cables_can_be_cut,
    disk_views_agree,
    group_serves,
    planned_move,
    power_cut,
    nothing_is_lost,
    shutdown_is_clean,
)


async def _gaps(lab: Lab, began: float) -> str:
    resumed = now()
    for stream in lab.client.streams.values():
        await stream.served(since=resumed, within=SERVED_WITHIN)
    until = now()
    gaps = [
        f"{name} {stream.acks().gap(began, until):.2f} s"
        for name, stream in lab.client.streams.items()
    ]
    return "gap " + ", ".join(gaps)


def _demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise LabError(otherwise)
