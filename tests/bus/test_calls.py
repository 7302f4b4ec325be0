"""What a caller gets for a call: a job, or an error by name, and never a look inside."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

import pytest
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from hbd.bus import names
from hbd.bus.jobs import MAX_RUNNING
from hbd.bus.names import BUS_NAME, ROOT, Error, Interface, Permission, Standard
from hbd.bus.polkit import Verdict
from hbd.cluster.event import (
    Event,
    FailureCleared,
    MaintenanceSet,
    PeerConfirmedDown,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import JobId, JobResult, LinkName, Scope
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import HERE, SHARE, THERE
from tests.bus.client import Client
from tests.bus.served import Served

MANAGER, GROUP = Interface.MANAGER, Interface.GROUP
ME = f"uid {os.getuid()}"


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_takeover_becomes_one_event_and_a_job(
    client: Client, served: Served, scope: Scope
) -> None:
    """Goal: an operator's word reaches the core. Method: call, then read the event posted."""
    reply = await client.call(MANAGER, "Takeover", "s", scope.value)
    assert reply.body == [names.job_path(JobId(1))]
    assert await served.event() == TakeoverRequested(JobId(1), scope, (), ME)


async def test_a_standby_becomes_one_event_and_a_job(client: Client, served: Served) -> None:
    """Goal: the same for standby. Method: as above, then the job's own properties."""
    [path] = (await client.call(MANAGER, "Standby", "s", "foreign")).body
    assert await served.event() == StandbyRequested(JobId(1), Scope.FOREIGN, (), ME)
    assert await client.get(path, Interface.JOB, "Verb") == "standby"
    assert await client.get(path, Interface.JOB, "Scope") == "foreign"
    assert await client.get(path, Interface.JOB, "RequestedBy") == ME


@pytest.mark.parametrize("by_name", [True, False])
async def test_one_group_is_asked_for_by_its_name_or_its_object(
    client: Client, served: Served, by_name: bool
) -> None:
    """Goal: both roads lead to the same event. Method: Manager's method, then the group's."""
    if by_name:
        await client.call(MANAGER, "TakeoverGroup", "s", SHARE)
        await client.call(MANAGER, "StandbyGroup", "s", SHARE)
    else:
        await client.call(GROUP, "Takeover", path=names.group_path(SHARE))
        await client.call(GROUP, "Standby", path=names.group_path(SHARE))
    assert await served.event() == TakeoverRequested(JobId(1), Scope.ALL, (SHARE,), ME)
    assert await served.event() == StandbyRequested(JobId(2), Scope.ALL, (SHARE,), ME)


WORDS: list[tuple[str, str, list[object], Permission, Event]] = [
    ("SetMaintenance", "b", [True], Permission.MAINTENANCE, MaintenanceSet(JobId(1), True, ME)),
    ("SetMaintenance", "b", [False], Permission.MAINTENANCE, MaintenanceSet(JobId(1), False, ME)),
    ("ConfirmPeerDown", "", [], Permission.CONFIRM_PEER_DOWN, PeerConfirmedDown(JobId(1), ME)),
    ("ClearFailure", "s", [""], Permission.CLEAR_FAILURE, FailureCleared(JobId(1), (), ME)),
    (
        "ClearFailure",
        "s",
        [SHARE],
        Permission.CLEAR_FAILURE,
        FailureCleared(JobId(1), (SHARE,), ME),
    ),
]


@pytest.mark.parametrize(("member", "signature", "body", "permission", "event"), WORDS)
async def test_an_operators_word_becomes_one_event_and_a_job(
    client: Client,
    served: Served,
    authority: ScriptedAuthority,
    member: str,
    signature: str,
    body: list[object],
    permission: Permission,
    event: Event,
) -> None:
    """Goal: each word has its own permission and event. Method: call, then read both."""
    reply = await client.call(MANAGER, member, signature, *body)
    assert reply.body == [names.job_path(JobId(1))]
    assert await served.event() == event
    assert [question.permission for question in authority.questions] == [permission]


async def test_maintenance_is_told_when_it_changes(client: Client, served: Served) -> None:
    """Goal: both nodes' maintenance is seen. Method: the belief changes; read both properties."""
    assert await client.get(ROOT, MANAGER, "Maintenance") is False
    peer = replace(served.node.peer, maintenance=True)
    served.becomes(replace(served.node, maintenance=True, peer=peer))
    assert await client.get(ROOT, MANAGER, "Maintenance") is True
    assert await client.get(names.node_path(THERE), Interface.NODE, "Maintenance") is True


NODE_PATH = names.node_path(HERE)
MISTAKES = [
    (ROOT, MANAGER, "Takeover", "s", ["everything"], Error.NO_SUCH_SCOPE),
    (ROOT, MANAGER, "Standby", "s", [""], Error.NO_SUCH_SCOPE),
    (ROOT, MANAGER, "TakeoverGroup", "s", ["10.0.0.1"], Error.NO_SUCH_GROUP),
    (ROOT, MANAGER, "ClearFailure", "s", ["10.0.0.1"], Error.NO_SUCH_GROUP),
    (ROOT, MANAGER, "SetMaintenance", "s", ["on"], Error.INVALID_ARGS),
    (ROOT, MANAGER, "Takeover", "", [], Error.INVALID_ARGS),
    (ROOT, MANAGER, "Takeover", "u", [1], Error.INVALID_ARGS),
    (ROOT, MANAGER, "Takeover", "ss", ["all", "all"], Error.INVALID_ARGS),
    (ROOT, MANAGER, "Takeover", "v", [Variant("s", "all")], Error.INVALID_ARGS),
    (ROOT, MANAGER, "Explode", "", [], Error.UNKNOWN_METHOD),
    (ROOT, MANAGER, "JobRemoved", "oss", ["/", "done", ""], Error.UNKNOWN_METHOD),
    (ROOT, GROUP, "Takeover", "", [], Error.UNKNOWN_INTERFACE),
    (ROOT, "org.example.Other", "Takeover", "s", ["all"], Error.UNKNOWN_INTERFACE),
    (ROOT, None, "Takeover", "s", ["all"], Error.UNKNOWN_INTERFACE),
    (NODE_PATH, Interface.NODE, "Takeover", "", [], Error.UNKNOWN_METHOD),
    ("/org/hbd/Heartbeat1/group/nowhere", GROUP, "Takeover", "", [], Error.UNKNOWN_OBJECT),
    ("/", MANAGER, "Takeover", "s", ["all"], Error.UNKNOWN_OBJECT),
    (ROOT, Standard.PROPERTIES, "Get", "ss", [MANAGER, "Colour"], Error.UNKNOWN_PROPERTY),
    (ROOT, Standard.PROPERTIES, "Get", "ss", [GROUP, "Name"], Error.UNKNOWN_INTERFACE),
    (ROOT, Standard.PROPERTIES, "Get", "s", [MANAGER], Error.INVALID_ARGS),
    (ROOT, Standard.PROPERTIES, "GetAll", "s", ["org.example.Other"], Error.UNKNOWN_INTERFACE),
    ("/nowhere", Standard.PROPERTIES, "GetAll", "s", [MANAGER], Error.UNKNOWN_OBJECT),
    (
        ROOT,
        Standard.PROPERTIES,
        "Set",
        "ssv",
        [MANAGER, "Phase", Variant("s", "left")],
        Error.PROPERTY_READ_ONLY,
    ),
    ("/nowhere", Standard.INTROSPECTABLE, "Introspect", "", [], Error.UNKNOWN_OBJECT),
    (NODE_PATH, Standard.OBJECT_MANAGER, "GetManagedObjects", "", [], Error.UNKNOWN_METHOD),
]


@pytest.mark.parametrize(("path", "interface", "member", "signature", "body", "error"), MISTAKES)
async def test_a_mistaken_call_is_refused_by_name(
    client: Client,
    served: Served,
    authority: ScriptedAuthority,
    path: str,
    interface: str | None,
    member: str,
    signature: str,
    body: list[object],
    error: Error,
) -> None:
    """Goal: each mistake has its own error; nobody is asked for a password over a typing error.

    Method: one call per mistake; no event, no question to the authority.
    """
    reply = await client.send(
        Message(
            destination=BUS_NAME,
            path=path,
            interface=interface,  # type: ignore[arg-type]  # the library takes None
            member=member,
            signature=signature,
            body=body,
        )
    )
    assert reply.message_type is MessageType.ERROR
    assert reply.error_name == error.value
    assert authority.questions == []
    assert served.events.empty()


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Verdict.DENIED, Error.ACCESS_DENIED),
        (Verdict.SILENT, Error.ACCESS_DENIED),
        (Verdict.ABSENT, Error.ACCESS_DENIED),
        (Verdict.CHALLENGE, Error.INTERACTION_REQUIRED),
    ],
)
async def test_what_is_not_permitted_does_not_happen(
    client: Client, served: Served, authority: ScriptedAuthority, verdict: Verdict, error: Error
) -> None:
    """Goal: only a clear yes acts. Method: each verdict but yes: no event, no job."""
    authority.verdict = verdict
    reply = await client.call(MANAGER, "Takeover", "s", "all")
    assert reply.error_name == error.value
    assert served.events.empty()
    assert await client.get(ROOT, MANAGER, "Jobs") == []
    assert await client.get(ROOT, MANAGER, "DeniedCount") == 1


@pytest.mark.parametrize(
    ("member", "permission"),
    [("Takeover", Permission.TAKEOVER), ("Standby", Permission.STANDBY)],
)
@pytest.mark.parametrize("interactive", [True, False])
async def test_the_authority_is_asked_about_the_caller_and_the_verb(
    client: Client,
    authority: ScriptedAuthority,
    member: str,
    permission: Permission,
    interactive: bool,
) -> None:
    """Goal: the right question; a dialogue only if the caller allowed it. Method: read it."""
    allowed = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else MessageFlag.NONE
    await client.call(MANAGER, member, "s", "local", flags=allowed)
    [question] = authority.questions
    assert question.caller.sender == client.name
    assert question.caller.uid == os.getuid()
    assert question.permission is permission
    assert question.details == {"scope": "local"}
    assert question.interactive is interactive


async def test_reading_asks_nobody(client: Client, authority: ScriptedAuthority) -> None:
    """Goal: reading is free. Method: read while the authority would deny."""
    authority.verdict = Verdict.DENIED
    assert (await client.call(Standard.PROPERTIES, "GetAll", "s", MANAGER)).body
    assert (await client.call(Standard.PEER, "Ping")).message_type is MessageType.METHOD_RETURN
    assert authority.questions == []


async def test_our_own_mistake_shows_nothing_of_us(
    client: Client, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """Goal: no traceback, file name or secret in a reply, and no journal flood by repeating it.

    Method: links whose counters fail; the caller gets a plain error, the log one entry for many.
    """

    class Broken(dict[LinkName, dict[str, int]]):
        def get(self, *_: object) -> dict[str, int]:
            raise RuntimeError("secret in /usr/lib/python3")

    served.counters = Broken()
    with caplog.at_level(logging.DEBUG, logger="hbd.bus"):
        for _ in range(20):
            reply = await client.call(Standard.PROPERTIES, "GetAll", "s", MANAGER)
            assert reply.error_name == Error.FAILED.value
            assert "secret" not in reply.body[0]
            assert "/" not in reply.body[0]
    assert len(caplog.records) == 1
    served.counters = {}
    assert (await client.call(Standard.PROPERTIES, "GetAll", "s", MANAGER)).body


async def test_denied_callers_cannot_flood_the_journal(
    client: Client, authority: ScriptedAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    """Goal: any user may try, nobody fills the journal. Method: 50 refusals, one line."""
    authority.verdict = Verdict.DENIED
    with caplog.at_level(logging.DEBUG, logger="hbd.bus"):
        for _ in range(50):
            await client.call(MANAGER, "Takeover", "s", "all")
    assert len(caplog.records) == 1
    assert await client.get(ROOT, MANAGER, "DeniedCount") == 50


async def test_a_caller_who_wants_no_answer_gets_none(client: Client, served: Served) -> None:
    """Goal: the flag is honoured. Method: a silent call acts; then another."""
    silent = MessageFlag.NO_REPLY_EXPECTED
    message = Message(
        destination=BUS_NAME,
        path=ROOT,
        interface=MANAGER,
        member="Takeover",
        signature="s",
        body=["all"],
        flags=silent,
    )
    await client.bus.call(message)
    assert isinstance(await served.event(), TakeoverRequested)
    assert (await client.call(Standard.PEER, "Ping")).body == []


async def test_jobs_are_bounded(client: Client, served: Served) -> None:
    """Goal: no caller fills the memory. Method: one more than may run; one ends; again."""
    for _ in range(MAX_RUNNING):
        assert (await client.call(MANAGER, "Takeover", "s", "all")).body
    reply = await client.call(MANAGER, "Takeover", "s", "all")
    assert reply.error_name == Error.BUSY.value
    served.endpoint.finish_job(JobId(1), JobResult.DONE, "")
    assert (await client.call(MANAGER, "Takeover", "s", "all")).body
    assert served.events.qsize() == MAX_RUNNING + 1


async def test_peer_tells_the_machine_id(client: Client) -> None:
    """Goal: the standard interface is whole. Method: 32 hexadecimal digits."""
    [machine_id] = (await client.call(Standard.PEER, "GetMachineId")).body
    assert len(bytes.fromhex(machine_id)) == 16
