"""Maintenance and the operator's word: what is not moved meanwhile, and what one word permits."""

from __future__ import annotations

import signal

import pytest

from hbd.cli.outcome import Exit
from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState, PeerStatus, Phase
from hbd.journal import MessageId
from tests.lab.harness.node import Node
from tests.lab.story.status import group
from tests.lab.story.story import DEADTIME, GROUP, MOVED_WITHIN, Story
from tests.lab.test_daemon import ARMED, DAEMON, back, lives, main_pid, send
from tests.lab.test_failures import FAILED_STOP

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SILENT = (MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.LINK_DEAD)
NOT_TAKEN = 3.0  # s after deadtime in which a takeover would have begun, several times over
ON = ("hbctl", "maintenance", "on")
OFF = ("hbctl", "maintenance", "off")
# A container of its own that keeps the disk mounted, whatever is unmounted on the node.
CONTAINER = (
    "systemd-run", "--unit=container", "unshare", "--mount", "--propagation=private",
    "sleep", "infinity",
)  # fmt: skip


def is_active(view: StatusView) -> bool:
    """Both nodes hear each other, and each has looked at its groups."""
    states = {group(view, GROUP).state, group(view, GROUP).peer_state}
    return (
        view.phase == Phase.ACTIVE.value
        and view.peer_status == PeerStatus.ACTIVE.value
        and GroupState.UNKNOWN.value not in states
    )


async def in_maintenance(story: Story, node: Node) -> None:
    """Begin it, and wait until the other node knows; its end belongs to the story's undoing."""
    story.expects(MessageId.MAINTENANCE_BEGUN)  # it is worth a warning, and again at each start
    story.undo.push_async_callback(node.run, list(OFF), check=False)
    await node.run(list(ON))
    other = story.away if node is story.home else story.home
    await story.until_status(
        other,
        lambda view: next(each for each in view.nodes if each.name == node.name).maintenance,
        f"told of the maintenance of {node.name}",
    )


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGUSR1])
async def test_in_maintenance_a_new_daemon_moves_nothing_and_is_in_maintenance(
    story: Story, sig: signal.Signals
) -> None:
    """Goal: an upgrade in maintenance is no end of it. Method: replace the daemon that serves."""
    story.expects(DAEMON, ARMED, on=story.home)
    story.expects(MessageId.PEER_LATE, on=story.away)  # if the machine is busy
    await in_maintenance(story, story.home)
    before, old = await lives(story.home), await main_pid(story.home)
    await send(story.home, sig)
    await back(story, story.home)
    view = await story.until_status(story.home, is_active, "active again")
    assert view.maintenance
    await story.nothing_moves(2.0)
    assert await lives(story.home) == before
    assert await main_pid(story.home) != old
    assert story.moved() == []

    done = await story.away.run(["hbctl", "takeover"], check=False)
    assert done.status == Exit.REFUSED
    assert story.holders() == {story.home.name}
    story.expects(MessageId.JOB_FINISHED, on=story.away)
    await story.home.run(list(OFF))
    await story.away.run(["hbctl", "takeover"])
    assert story.holders() == {story.away.name}
    await story.home.run(["hbctl", "takeover"])


async def test_nothing_is_taken_over_from_a_node_in_maintenance_that_loses_power(
    story: Story,
) -> None:
    """Goal: its silence means nothing, its return neither. Method: cut the power, boot, end it.

    Deadtime passes and nobody serves; the booted node is in maintenance still and starts nothing;
    the end of maintenance does.
    """
    story.expects(*SILENT, on=story.away)
    await in_maintenance(story, story.home)
    await story.home.kill()
    await story.heard(story.away, MessageId.PEER_LOST, within=MOVED_WITHIN)
    await story.nothing_moves(NOT_TAKEN)
    assert story.holders() == set()

    await story.home.boot()
    view = await story.until_status(story.home, is_active, "active again")
    assert view.maintenance
    assert group(view, GROUP).state == GroupState.STOPPED.value
    await story.nothing_moves(NOT_TAKEN)
    assert story.holders() == set()

    await story.turn_page()
    await story.home.run(list(OFF))
    await story.served_by(story.home)
    assert story.moved() == ["ttisrv1 +address", "ttisrv1 +disk"]


async def test_a_node_in_maintenance_that_is_rebooted_in_order_hands_over_first(
    story: Story,
) -> None:
    """Goal: who shuts down means it, and maintenance lasts. Method: poweroff, boot, then end it.

    The other node serves meanwhile and goes on serving until the maintenance ends: only then does
    the group go home.
    """
    story.expects(
        MessageId.LINK_DEAD, on=story.away
    )  # if the machine is busy: a boot takes a while
    await in_maintenance(story, story.home)
    await story.home.shutdown()
    await story.served_by(story.away)
    await story.home.boot()
    view = await story.until_status(story.home, is_active, "active again")
    assert view.maintenance
    await story.nothing_moves(NOT_TAKEN)
    assert story.holders() == {story.away.name}
    await story.home.run(list(OFF))
    await story.served_by(story.home)


async def test_a_standby_node_in_maintenance_does_not_fill_in(story: Story) -> None:
    """Goal: it moves nothing, whoever dies. Method: the node that serves loses its power; then off.

    The end of the maintenance is when it takes over.
    """
    story.expects(*SILENT, MessageId.UNPROTECTED, on=story.away)
    await in_maintenance(story, story.away)
    await story.home.kill()
    await story.heard(story.away, MessageId.PEER_LOST, within=MOVED_WITHIN)
    await story.nothing_moves(NOT_TAKEN)
    await story.away.run(list(OFF))
    await story.served_by(story.away)
    await story.home.boot()
    await story.served_by(story.home)


async def test_the_operators_word_frees_a_group_that_a_dead_peer_could_not_stop(
    story: Story,
) -> None:
    """Goal: a stuck group needs a person's word, and a living machine refuses it.

    Method: a container holds the disk, so the group is stop-failed; confirm-peer-down is refused
    while the peer is heard. The peer loses its power: deadtime passes and nobody takes the group,
    for the times alone do not prove it. The word does.
    """
    story.expects(*FAILED_STOP, "unit container.service", MessageId.JOB_FINISHED, on=story.home)
    story.expects(*SILENT, MessageId.UNPROTECTED, MessageId.JOB_FINISHED, on=story.away)
    story.expects(MessageId.PEER_CONFIRMED_DOWN, on=story.away)
    await story.home.run(list(CONTAINER))
    await story.home.run(
        ["sh", "-c", "until grep -q /ttidisk /proc/$(pgrep -x sleep)/mounts; do :; done"]
    )
    await story.home.run(["hbctl", "standby", "--no-wait"])
    await story.until_status(
        story.away,
        lambda view: group(view, GROUP).peer_state == GroupState.STOP_FAILED.value,
        "told that the peer cannot stop it",
    )
    word = ["hbctl", "confirm-peer-down", story.home.name]
    refused = await story.away.run(word, check=False)
    assert refused.status == Exit.REFUSED, refused.err

    await story.home.kill()
    await story.until_status(
        story.away,
        lambda view: view.peer_status in (PeerStatus.LOST.value, PeerStatus.FENCED.value),
        "without its peer",
        within=MOVED_WITHIN,
    )
    await story.nothing_moves(DEADTIME)
    assert story.holders() == set()

    mistaken = await story.away.run([*word[:2], story.away.name], check=False)
    assert mistaken.status == Exit.USAGE
    await story.turn_page()
    await story.away.run(word)
    await story.served_by(story.away)
    await story.heard(story.away, MessageId.PEER_CONFIRMED_DOWN)
    assert story.moved() == ["ttisrv2 +address", "ttisrv2 +disk"]

    await story.home.boot()
    await story.served_by(story.home)
