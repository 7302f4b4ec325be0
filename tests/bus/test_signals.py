"""What listeners are told: each change once, with its value, and nothing that did not change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dbus_next.message import Message

from hbd.bus import names, properties
from hbd.bus.names import ROOT, Interface, Standard
from hbd.cluster.node import Job
from hbd.cluster.terms import GroupState, Instant, JobId, JobResult, PeerStatus
from tests.bus import beliefs
from tests.bus.beliefs import ETH1, SHARE, THERE, TTY
from tests.bus.client import Client
from tests.bus.served import Served

MANAGER = Interface.MANAGER


@pytest.fixture
async def listener(client: Client) -> Client:
    """A caller that keeps every signal."""
    await client.subscribe()
    return client


async def told(listener: Client) -> list[Message]:
    """Every signal of hbd's up to now: a call's answer comes after them."""
    await listener.call(Standard.PEER, "Ping")
    return [signal for signal in listener.kept() if signal.path.startswith(ROOT)]


async def test_a_change_is_told_with_its_value_and_alone(listener: Client, served: Served) -> None:
    """Goal: clients need not ask again. Method: the peer gets late; read the signals."""
    served.becomes(beliefs.with_peer(served.node, PeerStatus.LATE))
    signals = await told(listener)
    news = {
        (signal.path, signal.body[0]): {name: value.value for name, value in signal.body[1].items()}
        for signal in signals
    }
    assert news == {
        (ROOT, MANAGER): {"PeerStatus": "late"},
        (names.node_path(THERE), Interface.NODE): {"Status": "late"},
    }
    assert all(signal.body[2] == [] for signal in signals)


async def test_a_silent_peer_is_not_said_to_hold_or_not_to_hold(
    listener: Client, served: Served
) -> None:
    """Goal: silence is not knowledge. Method: the peer is lost, then left; read PeerState."""
    path = names.group_path(beliefs.OTHER)
    for status, state in [(PeerStatus.LOST, "unknown"), (PeerStatus.LEFT, "stopped")]:
        served.becomes(beliefs.with_peer(served.node, status))
        signal = await listener.signal("PropertiesChanged", path)
        assert signal.body[1]["PeerState"].value == state


async def test_what_is_heard_every_second_makes_no_signal(listener: Client, served: Served) -> None:
    """Goal: no signal storm. Method: ten heartbeats and counted messages; then read the values."""
    for second in range(1, 11):
        served.counters = {ETH1: {"messages-received": second}}
        served.becomes(beliefs.heard_later(served.node, second))
        served.endpoint.refresh()
    assert await told(listener) == []
    path = names.link_path(ETH1)
    at = beliefs.NOW + 10_000_000
    assert await listener.get(path, Interface.LINK, "LastHeardUSec") == at
    assert await listener.get(path, Interface.LINK, "Counters") == {"messages-received": 10}


async def test_a_heartbeat_without_news_costs_no_comparison_of_everything(served: Served) -> None:
    """Goal: update is cheap on the common path. Method: the first look already says equal."""
    assert properties.looks_equal(served.node, beliefs.heard_later(served.node, 1))
    assert not properties.looks_equal(
        served.node, beliefs.with_share(served.node, GroupState.STOPPING)
    )


async def test_a_links_fault_is_told_when_it_comes_and_goes(
    listener: Client, served: Served
) -> None:
    """Goal: an unplugged line is seen. Method: a fault, then none; one signal each."""
    for fault in ("No such device", ""):
        served.faults = {TTY: fault} if fault else {}
        served.endpoint.refresh()
        [signal] = await told(listener)
        assert signal.path == names.link_path(TTY)
        assert {name: value.value for name, value in signal.body[1].items()} == {"Fault": fault}


async def test_a_job_is_announced_followed_and_removed(listener: Client, served: Served) -> None:
    """Goal: who waits learns everything by signals. Method: one takeover from call to result."""
    [path] = (await listener.call(MANAGER, "TakeoverGroup", "s", SHARE)).body
    job = JobId(1)
    signals = {signal.member: signal for signal in await told(listener)}
    assert signals["InterfacesAdded"].body[0] == path
    assert set(signals["InterfacesAdded"].body[1]) == {Interface.JOB}
    assert signals["JobNew"].body == [path, "takeover"]
    assert signals["PropertiesChanged"].body[1]["Jobs"].value == [path]
    assert await listener.get(path, Interface.JOB, "Groups") == [SHARE]

    accepted = Job(job, True, (SHARE,), Instant(beliefs.NOW + 180_000_000))
    served.becomes(replace(served.node, jobs=(accepted,)))
    served.becomes(replace(served.node, jobs=()))
    served.endpoint.finish_job(job, JobResult.DONE, "")
    signals = {signal.member: signal for signal in await told(listener)}
    assert signals["JobRemoved"].body == [path, "done", ""]
    assert signals["InterfacesRemoved"].body == [path, [Interface.JOB]]
    assert signals["PropertiesChanged"].body[1]["Jobs"].value == []


async def test_the_groups_of_a_scope_are_told_once_decided(
    listener: Client, served: Served
) -> None:
    """Goal: a job says what it means. Method: the core chooses; the property follows."""
    [path] = (await listener.call(MANAGER, "Takeover", "s", "all")).body
    assert await listener.get(path, Interface.JOB, "Groups") == []
    job = Job(JobId(1), True, (SHARE, beliefs.OTHER), Instant(0))
    served.becomes(replace(served.node, jobs=(job,)))
    signal = await listener.signal("PropertiesChanged", path)
    assert signal.body[1]["Groups"].value == [SHARE, beliefs.OTHER]


@pytest.mark.parametrize("result", list(JobResult))
async def test_the_answer_comes_before_the_result(
    listener: Client, served: Served, result: JobResult
) -> None:
    """Goal: nobody hears of a job's end before its name. Method: the core answers at once."""
    served.endpoint._post = lambda event: served.endpoint.finish_job(event.job, result, "why")  # type: ignore[union-attr]  # only requests are posted here
    [path] = (await listener.call(MANAGER, "Takeover", "s", "all")).body
    signal = await listener.signal("JobRemoved")
    assert signal.body == [path, result.value, "why"]


async def test_a_job_ends_once(listener: Client, served: Served) -> None:
    """Goal: one result per job. Method: finish it twice, and one that nobody asked for."""
    await listener.call(MANAGER, "Takeover", "s", "all")
    served.endpoint.finish_job(JobId(1), JobResult.DONE, "")
    served.endpoint.finish_job(JobId(1), JobResult.FAILED, "again")
    served.endpoint.finish_job(JobId(99), JobResult.FAILED, "never begun")
    removed = [signal for signal in await told(listener) if signal.member == "JobRemoved"]
    assert [signal.body[1] for signal in removed] == ["done"]


async def test_a_reason_with_bytes_that_no_text_has_is_told_all_the_same(
    listener: Client, served: Served
) -> None:
    """Goal: a strange error message costs no signal. Method: surrogates and NUL in the reason."""
    await listener.call(MANAGER, "Takeover", "s", "all")
    served.endpoint.finish_job(JobId(1), JobResult.FAILED, "mount: \udcff\0 é")
    assert (await listener.signal("JobRemoved")).body[2] == "mount: ?? é"


async def test_whoever_waits_is_told_when_the_daemon_leaves(
    listener: Client, served: Served
) -> None:
    """Goal: no client waits for ever. Method: close with a job under way."""
    [path] = (await listener.call(MANAGER, "Takeover", "s", "all")).body
    await served.endpoint.close()
    signal = await listener.signal("JobRemoved")
    assert signal.body[:2] == [path, "failed"]
    await served.endpoint.close()
