"""Reload over D-Bus: who may, what they are told, and objects that come and go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.bus import names
from hbd.bus.facts import GroupFacts, LinkFacts
from hbd.bus.names import ROOT, Error, Interface, Permission, Standard
from hbd.bus.polkit import Verdict
from hbd.cli.outcome import Exit
from hbd.cluster.node import Group, Link, Resource
from hbd.cluster.terms import GroupName, LinkName
from hbd.errors import AdapterError, ConfigError, HbdError, Mistake
from tests.bus import beliefs
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import FACTS, HERE, OTHER, SHARE, TTY
from tests.bus.client import Client
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served
from tests.bus.test_hbctl import ended, hbctl

MANAGER = Interface.MANAGER
TWO = ConfigError(
    (
        Mistake("/etc/ha.d/ha.cf", 3, "deadtime 1", "too short", "raise it"),
        Mistake("/etc/ha.d/authkeys", 0, "mode", "others may read it", "chmod 600"),
    )
)
MAIL, ETH2 = GroupName("192.168.0.102"), LinkName("eth2")


async def test_the_caller_is_told_what_differs(
    client: Client, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: the answer is the outcome. Method: two lines; who asked, and with what permission."""
    served.reload_outcome.set_result(("deadtime: 5 -> 8", "link eth2: added"))
    reply = await client.call(MANAGER, "Reload")
    assert reply.body == [["deadtime: 5 -> 8", "link eth2: added"]]
    assert [by.startswith("uid ") for by in served.reloaded_by] == [True]
    assert [question.permission for question in authority.questions] == [Permission.RELOAD]


async def test_nobody_reloads_without_permission(
    client: Client, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: files are put in force by administrators. Method: polkit says no."""
    authority.verdict = Verdict.DENIED
    reply = await client.call(MANAGER, "Reload")
    assert reply.error_name == Error.ACCESS_DENIED
    assert served.reloaded_by == []


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(TWO, Error.INVALID_CONFIGURATION), (AdapterError("systemd is away"), Error.NOT_RELOADED)],
)
async def test_a_refusal_has_its_name_and_every_mistake(
    client: Client, served: Served, outcome: HbdError, error: Error
) -> None:
    """Goal: one look shows all. Method: two mistakes; a machine that cannot be asked."""
    served.reload_outcome.set_result(outcome)
    reply = await client.call(MANAGER, "Reload")
    assert reply.error_name == error
    assert reply.body == [str(outcome)]


@pytest.mark.parametrize(
    ("outcome", "status", "lines"),
    [
        (("link eth2: added",), Exit.DONE, 1),
        ((), Exit.DONE, 1),
        (TWO, Exit.REFUSED, 2),
        (AdapterError("systemd is away"), Exit.FAILED, 1),
    ],
)
async def test_hbctl_ends_as_the_reload_did(
    private_bus: PrivateBus,
    served: Served,
    outcome: tuple[str, ...] | HbdError,
    status: Exit,
    lines: int,
) -> None:
    """Goal: `systemctl reload` fails when the files are bad. Method: every outcome."""
    served.reload_outcome.set_result(outcome)
    ended_with, out, err = await ended(await hbctl(private_bus, "reload"))
    assert ended_with == status
    assert len((out if status is Exit.DONE else err).splitlines()) == lines


async def test_new_groups_and_links_are_objects_at_once(client: Client, served: Served) -> None:
    """Goal: a program sees the change without polling. Method: one comes, one goes; signals."""
    await client.subscribe()
    groups = (*FACTS.groups[:1], GroupFacts(MAIL, "hbd-group@mail.target", ("",)))
    links = (*FACTS.links[:2], LinkFacts(ETH2, "bcast"))
    served.endpoint.refact(replace(FACTS, groups=groups, links=links))
    before = served.node
    new = Group(MAIL, HERE, HERE, (Resource(MAIL),))
    served.becomes(
        replace(
            before,
            groups=(before.groups[0], new),
            links=(*before.links[:2], Link(ETH2)),
        )
    )
    await client.call(Standard.PEER, "Ping")
    signals = [each for each in client.kept() if each.member.startswith("Interfaces")]
    added = {each.body[0] for each in signals if each.member == "InterfacesAdded"}
    removed = {each.body[0] for each in signals if each.member == "InterfacesRemoved"}
    assert {names.group_path(MAIL), names.link_path(ETH2)} <= added
    assert {names.group_path(OTHER), names.link_path(beliefs.GATEWAY)} <= removed
    assert (await client.call(MANAGER, "TakeoverGroup", "s", MAIL)).error_name is None
    refused = await client.call(MANAGER, "TakeoverGroup", "s", OTHER)
    assert refused.error_name == Error.NO_SUCH_GROUP
    groups_now = await client.get(ROOT, MANAGER, "Groups")
    assert groups_now == [names.group_path(SHARE), names.group_path(MAIL)]


async def test_another_object_of_the_same_path_is_told_as_another(
    client: Client, served: Served
) -> None:
    """Goal: what is constant is constant. Method: a serial line becomes a broadcast by name."""
    await client.subscribe()
    links = tuple(replace(link, kind="bcast") if link.name == TTY else link for link in FACTS.links)
    served.endpoint.refact(replace(FACTS, links=links))
    served.endpoint.refresh()
    await client.call(Standard.PEER, "Ping")
    signals = [
        (each.member, each.body[0])
        for each in client.kept()
        if each.member.startswith("Interfaces")
    ]
    path = names.link_path(TTY)
    assert signals == [("InterfacesRemoved", path), ("InterfacesAdded", path)]
