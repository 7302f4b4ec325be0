"""What the package does to a cluster at work: upgraded it moves nothing, removed it hands over.

The maintainer scripts are real, and so are dpkg and systemd.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.demo.package import built_package
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import run
from tests.lab.harness.image import SUITES
from tests.lab.harness.node import Node

pytestmark = pytest.mark.lab

STARTED_WITHIN = 60.0  # s: initdead and a start on a busy machine
MOVED_WITHIN = 30.0
SERVED = ("ttidisk.mount", "smbd.service")  # what must not be touched by an upgrade


# What the lab's administrator wrote; nothing of it came with the package.
ADMINISTRATORS = {
    "/etc/ha.d", "/etc/ha.d/ha.cf", "/etc/ha.d/authkeys", "/etc/ha.d/haresources",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Life:
    """Which run of a unit this is: the moment it became active, and its main process."""

    active_since: str
    main_pid: str


async def life(node: Node, unit: str) -> Life:
    """The present run of a unit, as systemd knows it."""
    since, pid = [
        (await node.run(["systemctl", "show", f"--property={name}", "--value", unit])).out.strip()
        for name in ("ActiveEnterTimestampMonotonic", "MainPID")
    ]
    return Life(since, pid)


async def named(node: Node) -> set[str]:
    """Every path on the node with a name of ours in it; of /run what is not systemd's own."""
    find = "find /etc /usr /var /run -name journal -prune -o -print 2>/dev/null"
    ours = r"/(hbd|ha\.d|heartbeat|hb_|cl_status)|Heartbeat1|Written"
    done = await node.run(["sh", "-c", f"{find} | grep -E '{ours}' | grep -v ^/run/hbd-lab; true"])
    return set(done.out.splitlines())


async def operators(node: Node) -> list[str] | None:
    """The members of haclient; None if there is no such group."""
    done = await node.run(["getent", "group", "haclient"], check=False)
    return None if done.status else [m for m in done.out.strip().split(":")[3].split(",") if m]


async def newer(package: Path, folder: Path) -> Path:
    """The same package under a higher version, as an upgrade would bring it."""
    tree, upgrade = folder / "tree", folder / "hbd-upgrade.deb"
    await run(["dpkg-deb", "--raw-extract", package, tree])
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 99+", 1))
    await run(["dpkg-deb", "--root-owner-group", "--build", tree, upgrade])
    return upgrade


async def upgrade(node: Node, package: Path, folder: Path) -> str:
    """`dpkg --install` of a newer version on a running node; what it printed."""
    inside = node.root / "root" / "hbd.deb"
    inside.write_bytes((await newer(package, folder)).read_bytes())
    done = await node.run(["dpkg", "--install", "/root/hbd.deb"], within=120)
    return done.out


@pytest.fixture(params=SUITES)
async def lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """Both nodes up, and the first one serving: on each Debian that the package is for."""
    async with Lab(package=built_package(), suite=request.param) as lab:
        await lab.boot()
        primary = lab.nodes[0]
        await primary.journal.wait_for("HBD_EVENT=group-started", within=STARTED_WITHIN)
        yield lab


async def test_an_upgrade_replaces_the_daemon_and_moves_nothing(lab: Lab, tmp_path: Path) -> None:
    """Goal: the daemon is exchanged under running groups. Method: compare the units' lives.

    The new daemon is ready when the journal has its STARTED line; the old one ended with status 75.
    """
    primary, secondary = lab.nodes
    before = [await life(primary, unit) for unit in SERVED]
    old_daemon = await life(primary, "hbd.service")
    cursor = await primary.journal.cursor()

    await upgrade(primary, built_package(), tmp_path)
    await primary.journal.wait_for("HBD_EVENT=started", after=cursor, within=STARTED_WITHIN)

    assert await life(primary, "hbd.service") != old_daemon
    assert [await life(primary, unit) for unit in SERVED] == before
    assert await secondary.journal.entries("-b", "HBD_EVENT=group-started") == []
    statuses = await primary.journal.entries("-b", "-u", "hbd.service", "EXIT_STATUS=75")
    assert len(statuses) == 1


async def test_an_upgrade_that_refuses_the_configuration_keeps_the_old_daemon(
    lab: Lab, tmp_path: Path
) -> None:
    """Goal: a stricter version takes nothing down. Method: break ha.cf, then upgrade."""
    primary = lab.nodes[0]
    old_daemon = await life(primary, "hbd.service")
    primary.write("/etc/ha.d/ha.cf", "keepalive never\n")

    await upgrade(primary, built_package(), tmp_path)

    assert await life(primary, "hbd.service") == old_daemon


async def test_a_removal_hands_over_and_leaves_no_unit_behind(lab: Lab) -> None:
    """Goal: removing the package is a planned hand-over. Method: remove and purge on the holder."""
    primary, secondary = lab.nodes
    taken = asyncio.create_task(
        secondary.journal.wait_for("HBD_EVENT=group-started", within=MOVED_WITHIN)
    )
    await primary.run(["dpkg", "--remove", "hbd"], within=120)
    await taken

    left = await primary.run(["sh", "-c", "grep -rl '^# Written by hbd' /run/systemd/system; true"])
    assert left.out == ""
    assert not (primary.root / "usr/sbin/hbd").exists()

    await primary.run(["dpkg", "--purge", "hbd"])
    gone = await primary.run(["sh", "-c", "ls -d /var/lib/hbd /run/hbd; true"])
    assert gone.out == ""
    assert (primary.root / "etc/ha.d/ha.cf").exists(), "the administrator's own files stay"


async def test_a_purge_leaves_the_administrators_files_and_no_other(lab: Lab) -> None:
    """Goal: nothing of ours outlives a purge. Method: names everywhere, group and units, on each.

    On the node that stands by the operators' group is left empty first, so that it goes too; with
    a member in it, on the other one, it stays.
    """
    primary, secondary = lab.nodes
    await secondary.run(["gpasswd", "--delete", "alice", "haclient"])
    for node in (secondary, primary):
        files = await named(node)
        assert files > ADMINISTRATORS
        await node.run(["dpkg", "--purge", "hbd"], within=120)
        assert await named(node) == ADMINISTRATORS
        units = await node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend"])
        assert [line for line in units.out.splitlines() if "hbd" in line] == []
        catalog = await node.run(["journalctl", "--list-catalog"])
        assert " hbd:" not in catalog.out
    assert await operators(primary) == ["alice"]
    assert await operators(secondary) is None


async def test_a_purged_node_is_a_node_again_after_a_new_installation(lab: Lab) -> None:
    """Goal: install, purge and install again is install. Method: the standby; then it serves.

    The new installation starts and enables nothing, and makes the operators' group anew; the
    administrator's files are still there, so starting it is all it takes.
    """
    primary, secondary = lab.nodes
    await secondary.run(["gpasswd", "--delete", "alice", "haclient"])
    await secondary.run(["dpkg", "--purge", "hbd"], within=120)
    inside = secondary.root / "root" / "hbd.deb"
    inside.write_bytes(built_package().read_bytes())
    await secondary.run(["dpkg", "--install", "/root/hbd.deb"], within=120)

    assert await operators(secondary) == []
    assert (await life(secondary, "hbd.service")).main_pid == "0"
    told = await secondary.run(["systemctl", "is-enabled", "hbd.service"], check=False)
    assert told.out.strip() == "disabled"

    cursor = await secondary.journal.cursor()
    await secondary.run(["systemctl", "start", "hbd.service"])
    await secondary.journal.wait_for("HBD_EVENT=started", after=cursor, within=STARTED_WITHIN)
    await primary.run(["systemctl", "stop", "hbd.service"])
    await secondary.journal.wait_for("HBD_EVENT=group-started", after=cursor, within=MOVED_WITHIN)


@pytest.mark.parametrize("suite", SUITES)
async def test_an_installation_starts_and_enables_nothing(suite: str) -> None:
    """Goal: installing is not deciding. Method: what systemd says of it in a fresh root."""
    async with Lab(package=built_package(), suite=suite) as lab:
        node = lab.nodes[0]
        await run(["systemctl", f"--root={node.root}", "disable", "hbd.service"])
        await node.boot()
        told = await node.run(["systemctl", "is-enabled", "hbd.service"], check=False)
        assert told.out.strip() == "disabled"
        assert (await life(node, "hbd.service")).main_pid == "0"
