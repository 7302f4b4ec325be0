"""On a desktop: notifications of a real server, and the dialog of a real polkit agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hbd.cli.outcome import Exit
from hbd.journal import MessageId
from hbd.notify.note import Urgency
from hbd.notify.service import CHECK_AFTER_SECONDS
from hbd.notify.settings import PAGE
from tests.lab.desktop.flavour import DESKTOP
from tests.lab.desktop.notifications import Notifications, followed, history, on_screen
from tests.lab.desktop.session import BROWSER, FILES, SERVER, TERMINAL, Session, desktop
from tests.lab.harness.node import Node
from tests.lab.story.setup import Setup
from tests.lab.story.story import GROUP, MOVED_WITHIN, WITHIN, Story, at_rest
from tests.lab.test_failures import FAILED_START, breaks_samba
from tests.lab.test_operator import OPERATOR, STRANGER
from tests.lab.test_polkit import RIGHT, WRONG
from tests.lab.test_power import LOSING_THE_PEER

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SETUP = Setup(flavour=DESKTOP, packages=("hbd-desktop",), files=FILES)
UNIT = "hbd-notify.service"
SHOWN_WITHIN = WITHIN + 10.0  # s: it must have stood for two, and the nodes are busy
CHECKED_WITHIN = CHECK_AFTER_SECONDS + SHOWN_WITHIN
BOOTED_WITHIN = 60.0
DIALOG = "Authentication"
CROSSOVER = "eth1"


@asynccontextmanager
async def notified(node: Node) -> AsyncIterator[tuple[Session, Notifications]]:
    """alice sits at the node, and wants notifications."""
    place = await node.journal.cursor()
    async with desktop(node, OPERATOR) as session:
        await session.systemctl("enable", "--now", UNIT)
        await node.journal.wait_for(
            f"_SYSTEMD_USER_UNIT={UNIT}", within=SHOWN_WITHIN, after=place,
            until=lambda entry: "watching" in str(entry.get("MESSAGE")),
        )  # fmt: skip
        async with followed(session) as shown:
            yield session, shown


@asynccontextmanager
async def stranger(story: Story) -> AsyncIterator[Session]:
    """bob sits at the other node, where root has a password."""
    node = story.away
    story.undo.push_async_callback(node.run, ["usermod", "--lock", "root"])
    await node.run(["chpasswd"], stdin=f"root:{RIGHT}\n".encode())
    async with desktop(node, STRANGER) as session:
        yield session


async def test_nobody_is_told_who_does_not_want_it(story: Story) -> None:
    """Goal: shipped, and off. Method: what the user's systemd says of a fresh session."""
    async with desktop(story.home, STRANGER) as session:
        assert await session.systemctl("is-active", "graphical-session.target") == "active"
        assert await session.systemctl("is-enabled", UNIT, check=False) == "disabled"
        assert await session.systemctl("is-active", UNIT, check=False) == "inactive"


async def test_moves_are_told_in_one_place(story: Story) -> None:
    """Goal: who serves now, and not in a pile. Method: there and back, and the server's word."""
    async with notified(story.home) as (session, shown):
        await story.home.run(["hbctl", "standby"], user=OPERATOR)
        there = await shown.next(GROUP, story.away.name, within=SHOWN_WITHIN)
        assert (there.urgency, there.replaces) == (Urgency.NORMAL, 0)
        assert OPERATOR in there.body
        assert await on_screen(session) == 1
        await session.screenshot("moved")
        await story.home.run(["hbctl", "takeover"], user=OPERATOR)
        back = await shown.next(GROUP, story.home.name, within=SHOWN_WITHIN)
        assert back.number == back.replaces == there.number
        assert await on_screen(session) == 1
        await session.run(["dunstctl", "close-all"])
        assert await history(session) == {back.number: back.summary}


async def test_a_dead_link_stays_on_the_screen_until_it_is_back(story: Story) -> None:
    """Goal: urgent while it lasts, and then no more. Method: pull the cable, and plug it in."""
    story.expects(MessageId.LINK_DEAD, MessageId.LINK_FAULT)
    story.undo.push_async_callback(story.lab.mend_crossover)
    async with notified(story.home) as (session, shown):
        await story.lab.cut_crossover()
        dead = await shown.next(CROSSOVER, within=MOVED_WITHIN + SHOWN_WITHIN)
        assert dead.urgency == Urgency.CRITICAL
        assert await on_screen(session) == 1
        await session.screenshot("link-dead")
        await story.lab.mend_crossover()
        back = await shown.next(CROSSOVER, within=MOVED_WITHIN + SHOWN_WITHIN)
        assert (back.urgency, back.number) == (Urgency.NORMAL, dead.number)
        assert await on_screen(session) == 1
        await session.screenshot("link-back")


async def test_what_fails_and_what_would_fail_next_is_urgent(story: Story) -> None:
    """Goal: a person must come. Method: samba is broken on the other node; a standby to it.

    After it, without being asked, what hbctl check finds there.
    """
    story.expects(*FAILED_START, on=story.away)
    story.expects(MessageId.JOB_FINISHED, on=story.home)
    breaks_samba(story, story.away)
    async with notified(story.home) as (session, shown):
        await story.home.run(["hbctl", "standby"], user=OPERATOR, check=False)
        failed = await shown.next(GROUP, story.away.name, "clear-failure", within=SHOWN_WITHIN)
        assert failed.urgency == Urgency.CRITICAL
        assert await on_screen(session) == 1
        await session.screenshot("failed")
        found = await shown.next("failover", "peer-ready", within=CHECKED_WITHIN)
        assert found.urgency == Urgency.CRITICAL
        assert found.number != failed.number
        assert await on_screen(session) == 2
        await session.screenshot("check")
    await story.undo.aclose()
    await story.away.run(["systemctl", "restart", "hbd"])


async def test_who_stands_by_is_told_that_the_other_node_is_gone_and_who_serves(
    story: Story,
) -> None:
    """Goal: why it moved, and what it cost. Method: the power of the node that serves is cut.

    The loss stays on the screen until the node is back; its dead links are not told besides.
    """
    story.expects(*LOSING_THE_PEER, on=story.away)
    async with notified(story.away) as (session, shown):
        await story.home.kill()
        moved = await shown.next(GROUP, story.away.name, "waited", within=MOVED_WITHIN)
        assert story.home.name in moved.body
        lost = await shown.next(story.home.name, "confirm-peer-down", within=SHOWN_WITHIN)
        assert lost.urgency == Urgency.CRITICAL
        assert await on_screen(session) == 2
        await session.screenshot("peer-lost")
        await story.home.boot()
        back = await shown.next(story.home.name, "is back", within=BOOTED_WITHIN)
        assert back.number == lost.number
        assert back.urgency == Urgency.NORMAL
        await shown.next(GROUP, story.home.name, within=BOOTED_WITHIN)


async def test_a_click_opens_the_page_in_the_users_browser(story: Story) -> None:
    """Goal: from a notification to Cockpit. Method: a browser that writes down where it was sent.

    Both by a click on the notification and from the launcher in the menu.
    """
    async with notified(story.home) as (session, shown):
        place = await story.home.journal.cursor()
        await story.home.run(["hbctl", "standby"], user=OPERATOR)
        await shown.next(GROUP, story.away.name, within=SHOWN_WITHIN)
        await session.run(["dunstctl", "action", "0"])
        asked = await story.home.journal.wait_for(
            f"SYSLOG_IDENTIFIER={BROWSER}", within=WITHIN, after=place
        )
        assert asked["MESSAGE"] == PAGE
        place = await story.home.journal.cursor()
        assert (await session.started(["hbd-notify", "--open"])).status == 0
        asked = await story.home.journal.wait_for(
            f"SYSLOG_IDENTIFIER={BROWSER}", within=WITHIN, after=place
        )
        assert asked["MESSAGE"] == PAGE
        await story.home.run(["hbctl", "takeover"], user=OPERATOR)


async def test_without_a_notification_server_the_news_wait_for_one(story: Story) -> None:
    """Goal: nothing is lost. Method: no server may start; a move; then it may, and does."""
    async with notified(story.home) as (session, shown):
        await session.systemctl("mask", "--runtime", "--now", SERVER)
        await story.home.run(["hbctl", "standby"], user=OPERATOR)
        await story.served_by(story.away)
        await story.home.run(["hbctl", "takeover"], user=OPERATOR)
        await story.served_by(story.home)
        assert await session.systemctl("is-active", UNIT) == "active"
        await session.systemctl("unmask", "--runtime", SERVER)
        await session.systemctl("start", SERVER)
        told = await shown.next(GROUP, story.home.name, within=SHOWN_WITHIN)
        assert told.replaces == 0


async def test_the_daemons_restart_is_survived(story: Story) -> None:
    """Goal: the notifier outlives hbd. Method: kill the daemon; when it is back, a move is told.

    On a machine so busy that the daemon is not back in time, the dead man has his say.
    """
    story.expects("deadman", "hbd-deadman", "unit hbd.service", on=story.home)
    story.expects(MessageId.PEER_LATE, on=story.away)
    async with notified(story.home) as (session, shown):
        before = await session.systemctl("show", "--property=MainPID", "--value", UNIT)
        await story.home.run(["systemctl", "kill", "--signal=KILL", "hbd.service"])
        await story.heard(story.home, MessageId.STARTED)
        await at_rest(story.lab)
        await story.home.run(["hbctl", "standby"], user=OPERATOR)
        await shown.next(GROUP, f"moved to {story.away.name}", within=SHOWN_WITHIN)
        assert await session.systemctl("show", "--property=MainPID", "--value", UNIT) == before
        await story.home.run(["hbctl", "takeover"], user=OPERATOR)


async def test_a_takeover_from_a_desktop_brings_up_the_desktops_own_dialog(story: Story) -> None:
    """Goal: hbctl's terminal is not asked. Method: bob, with a wrong password, then the right one.

    What he sees is a window; what hbctl says and how it ends stands in its terminal.
    """
    async with stranger(story) as session:
        place = await session.in_terminal("hbctl takeover")
        await session.window(DIALOG)
        await session.screenshot("dialog")
        await session.types(WRONG)
        await session.window("Error")
        await session.screenshot("dialog-wrong")
        await session.press("Return")
        await session.press("Escape")
        assert await ended(session, place) == Exit.NOT_PERMITTED
        assert "org.hbd.Heartbeat1.takeover" in shown_in_terminal(session)
        await session.screenshot("dialog-refused")
        await session.press("Return")
        assert story.holders() == {story.home.name}

        place = await session.in_terminal("hbctl takeover")
        await session.window(DIALOG)
        await session.types(RIGHT)
        assert await ended(session, place) == Exit.DONE
        await session.screenshot("dialog-right")
        await session.press("Return")
        await story.served_by(story.away)
    await story.home.run(["hbctl", "takeover"], user=OPERATOR)


async def test_the_dialog_comes_without_a_terminal_too(story: Story) -> None:
    """Goal: a launcher can do it. Method: hbctl with no terminal; cancelled, then permitted."""
    async with stranger(story) as session:
        asked = asyncio.create_task(session.started(["hbctl", "takeover"]))
        await session.window(DIALOG)
        await session.press("Escape")
        done = await asked
        assert done.status == Exit.NOT_PERMITTED
        assert "org.hbd.Heartbeat1.takeover" in done.err
        assert story.holders() == {story.home.name}
        asked = asyncio.create_task(session.started(["hbctl", "takeover"]))
        await session.window(DIALOG)
        await session.types(RIGHT)
        assert (await asked).status == Exit.DONE
    await story.home.run(["hbctl", "takeover"], user=OPERATOR)


async def ended(session: Session, place: str) -> int:
    """The status of what runs in the terminal window, once it has ended."""
    entry = await session.node.journal.wait_for(
        f"SYSLOG_IDENTIFIER={TERMINAL}", within=MOVED_WITHIN, after=place
    )
    return int(str(entry["MESSAGE"]).rpartition(" ")[2])


def shown_in_terminal(session: Session) -> str:
    """What the terminal window has shown."""
    return (session.node.root / f"home/{session.user}/terminal.log").read_text()
