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

# What the article's files do not have; devices and hosts that are not there are nobody's business.
RICH_HA_CF: Final = """\
node ttisrv1 ttisrv2
deadtime 10
warntime 4
initdead 60
auto_failback off
bcast eth1
ucast eth0 192.168.0.2
ucast eth0 192.168.0.1
ping 192.168.0.254
ping_group routers 192.168.0.253 192.168.0.252
stonith_host ttisrv1 external/ipmi ttisrv2 10.3.0.2 admin secret lanplus
stonith_host ttisrv2 external/ipmi ttisrv1 10.3.0.1 admin secret lanplus
"""
RICH_HARESOURCES: Final = """\
ttisrv1 IPaddr2::192.168.0.101/24/eth0 Filesystem::LABEL=a::/srv/a::ext4::noatime smb Log::a
ttisrv2 fd00::102/64/eth0 Filesystem::/dev/sdb1::/srv/b::xfs smb Log::b
"""


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


async def test_everything_that_files_can_say_is_understood_by_pacemaker(pair: Pair) -> None:
    """Goal: no export that Pacemaker refuses. Method: its scheduler, with both nodes up.

    Two groups with one service, IPv6, labels, scripts, ping nodes and power switches; then the same
    with the disk's reservations, and without fencing. Each group would start at home.
    """
    node = pair.home
    node.write("/etc/ha.d/resource.d/Log", "#!/bin/sh\nexit 0\n", mode=0o755)
    for path, text in (("ha.cf", RICH_HA_CF), ("haresources", RICH_HARESOURCES)):
        node.write(f"/root/rich/{path}", text)
    node.write("/root/rich/authkeys", files.AUTHKEYS, mode=0o600)
    for fencing in ("auto", "reservation", "none"):
        more = ["--config-dir", "/root/rich", "--fencing", fencing, *ADDRESSES]
        assert await export(node, *more) == Exit.WARNED
        units = (await node.run(["sh", "-c", f"echo {FOLDER}/*.service"])).out.split()
        assert len(units) == 2
        await node.run(["systemd-analyze", "verify", *units])
        up = [f"--node-up={name}" for name in files.NODE_NAMES]
        saved = f"--save-output={FOLDER}/up.xml"
        await node.run(
            [
                "crm_simulate",
                f"--xml-file={FOLDER}/cib.xml",
                *up,
                "--quorum=true",
                "--simulate",
                saved,
            ]
        )
        assert await planned(node) == {
            "unit-haresources-Log-a": files.NODE_NAMES[0],
            "unit-haresources-Log-b": files.NODE_NAMES[1],
        }
        await node.run(["crm_verify", f"--xml-file={FOLDER}/up.xml"])


async def planned(node: Node) -> dict[str, str]:
    """Where the last resource of each group is after what the scheduler would do."""
    found: dict[str, str] = {}
    for name in ("unit-haresources-Log-a", "unit-haresources-Log-b"):
        asked = ["crm_resource", "--resource", name, "--locate", "--quiet"]
        done = await node.run(["env", f"CIB_file={FOLDER}/up.xml", *asked], check=False)
        found[name] = done.out.strip()
    return found


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
