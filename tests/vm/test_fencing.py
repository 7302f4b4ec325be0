"""Two nodes that both mean to write: the disk itself decides, and the witness tells."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState, LinkStatus, PeerStatus
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import now, say
from tests.vm.harness import recipe
from tests.vm.harness.node import Node
from tests.vm.harness.setup import until_status
from tests.vm.story import REBOOT_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

PAUSE = 30.0  # s: beyond deadtime
LATE_WRITE = 1.0  # s after the pause: what the machine had handed to its storage network before
RENEWALS = 3  # of the key: one a keepalive
DIRTY = f"dd if=/dev/urandom of={files.MOUNT_POINT}/share/late bs=64k count=48 status=none"


async def test_only_the_active_node_is_registered_and_its_key_moves(story: Story) -> None:
    """Goal: a mount by hand on the standby cannot write. Method: ask the array, not a node.

    Then mount there, as a human would, and see on both nodes that the disk is a link.
    """
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.home.name, (story.home.name,))
    for node in story.lab.nodes:
        view = await until_status(node, _disk_link_is_up, WITHIN)
        assert view.groups[0].owner == story.home.name
    generation = held.generation
    await story.until_reserved(lambda held: held.generation >= generation + RENEWALS)

    await story.away.sh(f"! mount {recipe.DEVICE} /mnt 2>/dev/null", within=WITHIN)
    assert story.refused(story.away) != []  # the journal's replay: the first write of a mount
    await story.client_writes(since=now())


@pytest.mark.short
async def test_a_machine_that_wakes_up_after_a_takeover_writes_nothing(story: Story) -> None:
    """Goal: never two writers. Method: pause the active machine for 30 s, full of unwritten data.

    Its peer takes over. When it goes on, the disk refuses what it still wants to write, and it
    lets go by itself, by a stop or by a reboot. Nothing acknowledged is lost (every story's
    judgement).
    """
    await story.home.sh(DIRTY)
    paused = now()
    await story.home.machine.pause()
    await story.served_by(story.away)
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))
    say(f"gaps of the takeover: {await story.gaps(since=paused)}")
    await asyncio.sleep(max(0.0, paused + PAUSE - now()))  # the pause is the story, not a wait

    resumed = now()
    await story.home.machine.resume()
    await story.heard(story.home, MessageId.DISK_LOST)
    await until_status(story.home, lambda view: _is_standby(view, story.away), REBOOT_WITHIN)
    say(f"it has let go after {now() - resumed:.1f} s: {story.events(story.home)}")
    await story.client_writes(since=now())
    assert story.refused(story.home) != []
    late = [deed for deed in story.lab.storage.deeds(paused) if deed.node == story.home.name]
    assert [deed for deed in late if deed.wrote and deed.sent > paused + LATE_WRITE] == []


async def test_a_peer_that_is_alive_on_disk_is_not_replaced(story: Story) -> None:
    """Goal: dead cables are no dead node. Method: cut both heartbeat cables, leave the disk."""
    epoch = (await story.group_on(story.home)).epoch
    await story.home.pull("eth1")
    for node in story.lab.nodes:
        await story.lab.null_modem.pull(node.machine, node.plug.end)
    await story.heard(story.away, MessageId.PEER_ON_DISK)
    await until_status(story.away, lambda view: view.peer_status == PeerStatus.LATE.value, WITHIN)
    await story.client_writes(since=now())
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.home.name, (story.home.name,))
    assert (await story.group_on(story.home)).epoch == epoch
    assert "preempting" not in story.events(story.away)


async def test_a_planned_move_takes_the_registration_along(story: Story) -> None:
    """Goal: a standby hands over the disk. Method: hbctl standby; nobody is preempted."""
    asked = now()
    await story.home.run(["hbctl", "standby"], within=WITHIN)
    await story.served_by(story.away)
    say(f"gaps of a planned move: {await story.gaps(since=asked)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))
    assert "preempting" not in story.events(story.away)


async def test_a_node_that_lost_its_disk_hands_over(story: Story) -> None:
    """Goal: who cannot write serves no more. Method: cut its storage path, cables whole.

    What it cannot unmount it cannot prove stopped, so it restarts itself, and the peer goes on.
    """
    cut = now()
    await story.home.pull("eth2")
    await story.heard(story.home, MessageId.RESOURCE_LOST)
    await story.served_by(story.away, within=REBOOT_WITHIN)
    say(f"gaps after a lost disk path: {await story.gaps(since=cut)}")
    say(f"{story.home.name}: {story.events(story.home)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))


def _is_standby(view: StatusView, owner: Node) -> bool:
    group = view.groups[0]
    return group.owner == owner.name and group.state == GroupState.STOPPED.value


def _disk_link_is_up(view: StatusView) -> bool:
    return [link.status for link in view.links if link.kind == "disk"] == [LinkStatus.UP.value]
