"""`hbctl export pacemaker`, judged by Debian's own Pacemaker: it loads, and the group runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio

from hbd.cli.outcome import Exit
from tests.lab.harness import files
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now
from tests.lab.harness.image import Flavour
from tests.lab.harness.node import Node
from tests.lab.pacemaker import rich
from tests.lab.pacemaker.schedule import Schedule
from tests.lab.story.setup import SUITE, package

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

# psmisc: the agent Filesystem wants fuser. Corosync would start with the address of nobody.
PACEMAKER: Final = Flavour(
    "pacemaker",
    ("pacemaker", "pacemaker-cli-utils", "corosync", "resource-agents", "psmisc"),
    customize="systemctl -q disable corosync.service pacemaker.service",
)
MOVED_WITHIN: Final = 60.0  # s: 10 on a quiet machine, of which most is Pacemaker's election
STARTED: Final = "39f53479d3a045ac8e11786248231fbf"  # sd-messages.h, SD_MESSAGE_UNIT_STARTED
LAST: Final = "nfs-ganesha.service"  # what the article's `nfs` means in the lab
FOLDER: Final = "/root/exported"
COROSYNC: Final = "/etc/corosync/corosync.conf"
KEY: Final = "/etc/corosync/authkey"
GROUP: Final = f"group-{files.SHARED_ADDRESS}"
ADDRESSES: Final = tuple(
    word
    for name, address in files.CROSS_ADDRESSES.items()
    for word in ("--address", f"{name}/eth1={address.partition('/')[0]}")
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nodes; the first is preferred."""

    lab: Lab
    home: Node
    away: Node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair() -> AsyncIterator[Pair]:
    """Both nodes booted with the article's files, under hbd."""
    suite = os.environ.get(SUITE, "bookworm")
    async with Lab(suite=suite, package=package(), flavour=PACEMAKER) as lab:
        await lab.boot()
        yield Pair(lab, *lab.nodes)


async def both(lab: Lab, argv: list[str]) -> None:
    """Run a command on both nodes at once."""
    await asyncio.gather(*(node.run(argv) for node in lab.nodes))


async def export(node: Node, *more: str) -> int:
    """`hbctl export pacemaker` into FOLDER, made anew; its exit status."""
    await node.run(["rm", "-rf", FOLDER])
    done = await node.run(["hbctl", "export", "pacemaker", FOLDER, *more], check=False)
    return done.status


async def holds(node: Node) -> dict[str, bool]:
    """What of the group is really on a node, whatever Pacemaker says."""
    shown = (await node.run(["ip", "-oneline", "address"])).out
    mounted = await node.run(["findmnt", files.MOUNT_POINT], check=False)
    served = await node.run(["systemctl", "is-active", LAST], check=False)
    return {
        "address": f"inet {files.SHARED_ADDRESS}/" in shown,
        "mount": mounted.status == 0,
        "service": served.status == 0,
    }


async def started(node: Node, after: str) -> None:
    """Wait until the group's last service has been started on a node."""
    await node.journal.wait_for(
        f"MESSAGE_ID={STARTED}", f"UNIT={LAST}", after=after, within=MOVED_WITHIN
    )


ALL = dict.fromkeys(("address", "mount", "service"), True)
NOTHING = dict.fromkeys(ALL, False)


@pytest.mark.parametrize(
    ("failback", "fencing"),
    [("on", "auto"), ("off", "auto"), ("legacy", "none"), ("off", "none"), ("on", "reservation")],
)
async def test_everything_that_files_can_say_is_understood_by_pacemaker(
    pair: Pair, failback: str, fencing: str
) -> None:
    """Goal: no export that Pacemaker refuses. Method: its scheduler, with both nodes up.

    Groups of several resources, two on one node, two with one service; IPv6, labels, scripts, ping
    nodes and several power switches. Each group starts at home; when one node leaves all are on the
    other one; when it is back they go home or stay, and what was not away is not touched.
    """
    node = pair.home
    rich.lay_down(node, failback)
    more = ["--config-dir", rich.FOLDER, "--fencing", fencing, *ADDRESSES]
    assert await export(node, *more) == Exit.WARNED
    units = (await node.run(["sh", "-c", f"echo {FOLDER}/*.service"])).out.split()
    assert len(units) == len(rich.HOMES)
    await node.run(["systemd-analyze", "verify", *units])

    world = Schedule(node, f"{FOLDER}/cib.xml")
    await world.goes_on(*(f"--node-up={name}" for name in files.NODE_NAMES), "--quorum=true")
    assert await world.places(rich.HOMES) == rich.HOMES
    await node.run(["crm_verify", f"--xml-file={world.path}"])

    gone, stays = files.NODE_NAMES
    await world.goes_on(f"--node-down={gone}", "--quorum=true")
    assert await world.places(rich.HOMES) == dict.fromkeys(rich.HOMES, stays)

    touched = await world.goes_on(f"--node-up={gone}")
    at_home = rich.HOMES if failback != "off" else dict.fromkeys(rich.HOMES, stays)
    assert await world.places(rich.HOMES) == at_home
    if fencing != "reservation":  # to the scheduler alone every unfencing is undone at once
        moved = {name for name, home in rich.HOMES.items() if at_home[name] == home == gone}
        assert touched & set(rich.HOMES) == moved


async def test_the_group_runs_under_pacemaker_where_it_is_preferred_and_moves(pair: Pair) -> None:
    """Goal: the equivalent cluster does the same work. Method: the steps of hbctl(1), then standby.

    hbd goes first, with the units it has written: they would let nobody else start anything. Both
    nodes come, the group starts at home, and moves when home stands by.
    """
    home, away = pair.home, pair.away
    assert await export(home, *ADDRESSES) == Exit.WARNED
    await home.run(["corosync-keygen", "-l"])
    await home.run(["cp", f"{FOLDER}/corosync.conf", COROSYNC])
    for path in (COROSYNC, KEY):
        content = await home.run(["base64", path])
        script = f"base64 -d >{path} && chmod 400 {path}"
        await away.run(["sh", "-c", script], stdin=content.out.encode())
    for node in (away, home):
        await node.run(["dpkg", "--remove", "hbd"], within=120)
    await both(pair.lab, ["systemctl", "start", "corosync.service", "pacemaker.service"])

    begun = await home.journal.cursor()
    await until_answered(home)
    await home.run(["cibadmin", "--replace", "--xml-file", f"{FOLDER}/cib.xml"])
    await started(home, begun)
    assert await holds(home) == ALL
    assert await holds(away) == NOTHING
    assert await online(home) == set(files.NODE_NAMES)
    await home.run(["crm_verify", "--live-check"])

    begun = await away.journal.cursor()
    words = ["--node", home.name, "--name", "standby", "--update", "on"]
    await home.run(["crm_attribute", *words])
    await started(away, begun)
    assert await holds(away) == ALL
    assert await holds(home) == NOTHING


async def until_answered(node: Node) -> None:
    """Ask until Pacemaker answers: its unit counts as started before it does."""
    deadline = now() + MOVED_WITHIN
    while (await node.run(["cibadmin", "--query", "--local"], check=False)).status != 0:
        if now() > deadline:
            raise LabError(f"{node.name}: Pacemaker does not answer")


async def online(node: Node) -> set[str]:
    """The members of the cluster, as Pacemaker on a node has them."""
    listed = (await node.run(["crm_node", "--partition"])).out
    return set(listed.split())
