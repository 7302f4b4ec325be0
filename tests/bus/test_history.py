"""Manager.History and Group.LastTransition: what moved, when and why, for everybody to read."""

from __future__ import annotations

import pytest
from dbus_next.message import Message

from hbd.bus import names
from hbd.bus.names import Interface
from tests.bus.beliefs import HERE, OTHER, SHARE, THERE
from tests.bus.client import Client
from tests.bus.served import Served
from tests.bus.transitions import BEGAN, LOST, NEWEST_FIRST, REALTIME_USEC, RUNNING


def told(reply: Message) -> list[dict[str, object]]:
    """The transitions of an answer, without the variants."""
    assert reply.signature == "aa{sv}"
    return [{key: value.value for key, value in each.items()} for each in reply.body[0]]


async def test_a_transition_is_told_with_every_figure(client: Client, served: Served) -> None:
    """Goal: a timeline can be drawn from it. Method: one with all its parts, over the bus."""
    served.transitions = (LOST,)
    [found] = told(await client.call(Interface.MANAGER, "History", "u", 0))
    steps = found.pop("Steps")
    assert found == {
        "Id": LOST.id,
        "Node": HERE,
        "Cause": "peer-lost",
        "RequestedBy": "",
        "Rule": "acquire-unprotected",
        "Rules": ["fence-first", "acquire-unprotected"],
        "Groups": [SHARE],
        "From": THERE,
        "To": HERE,
        "Result": "moved",
        "Why": "",
        "Fencing": "unprotected",
        "StartedUSec": REALTIME_USEC,
        "DurationUSec": 5_310_000,
        "OutageUSec": 5_310_000,
        "Moves": [[SHARE, THERE, HERE, "moved", 7, 5_310_000]],
        "Evidence": [["link", "eth1", "dead", 5_000_000]],
    }
    assert isinstance(steps, list)
    assert steps[0] == ["detect", "", "", "", 0, 5_000_000, "done", ""]
    assert steps[2] == ["start", "address", SHARE, "192.168.0.100", 5_001_000, 9_000, "done", ""]


@pytest.mark.parametrize(("limit", "count"), [(0, 2), (1, 1), (2, 2), (500, 2)])
async def test_the_newest_come_first_and_no_more_than_asked_for(
    client: Client, served: Served, limit: int, count: int
) -> None:
    """Goal: a short answer where that is enough. Method: limits around what there is."""
    served.transitions = NEWEST_FIRST
    found = told(await client.call(Interface.MANAGER, "History", "u", limit))
    assert [each["Id"] for each in found] == [RUNNING.id, LOST.id][:count]


async def test_one_that_runs_has_no_duration_yet(client: Client, served: Served) -> None:
    """Goal: nothing is told before it is known. Method: a standby under way."""
    served.transitions = (RUNNING,)
    [found] = told(await client.call(Interface.MANAGER, "History", "u", 1))
    assert (found["Result"], found["DurationUSec"]) == ("running", 0)
    assert RUNNING.began_at > BEGAN


async def test_a_groups_last_transition_is_a_property_that_tells_its_change(
    client: Client, served: Served
) -> None:
    """Goal: who watches a group knows what to ask for. Method: a new one, then the signal."""
    await client.subscribe()
    path = names.group_path(SHARE)
    assert await client.get(path, Interface.GROUP, "LastTransition") == ""
    served.transitions = NEWEST_FIRST
    served.endpoint.refresh()
    changed = await client.signal("PropertiesChanged", path)
    assert changed.body[1]["LastTransition"].value == RUNNING.id
    assert await client.get(names.group_path(OTHER), Interface.GROUP, "LastTransition") == ""


async def test_everybody_may_read_the_journals_lines_of_a_move(
    client: Client, served: Served
) -> None:
    """Goal: why it moved is told in hbd's own words. Method: lines of one that is kept."""
    served.transitions = NEWEST_FIRST
    served.lines = {LOST.id: [(REALTIME_USEC, "ttisrv2 is lost"), (REALTIME_USEC + 9, "a\0b")]}
    reply = await client.call(Interface.MANAGER, "Journal", "s", LOST.id)
    assert reply.signature == "a(ts)"
    assert reply.body == [[[REALTIME_USEC, "ttisrv2 is lost"], [REALTIME_USEC + 9, "a?b"]]]


async def test_the_journal_is_asked_for_no_other_word_than_an_id(
    client: Client, served: Served
) -> None:
    """Goal: no caller reads the journal by a word of theirs. Method: lines of one not kept."""
    served.transitions = NEWEST_FIRST
    served.lines = {"--all": [(REALTIME_USEC, "anything")]}
    assert (await client.call(Interface.MANAGER, "Journal", "s", "--all")).body == [[]]


async def test_the_time_of_an_answer_grows(client: Client) -> None:
    """Goal: ages can be told by who has another clock. Method: two reads."""
    first = await client.get(names.ROOT, Interface.MANAGER, "NowUSec")
    second = await client.get(names.ROOT, Interface.MANAGER, "NowUSec")
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert 0 < first < second
