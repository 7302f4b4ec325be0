"""What the API tells of transitions: the shape of Manager.History, and where it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from dbus_next.signature import Variant

from hbd.bus.properties import Properties, sendable
from hbd.cluster.terms import GroupName
from hbd.story.transition import Transition


def _nothing() -> tuple[Transition, ...]:
    return ()


def _none_of(_group: GroupName) -> str:
    return ""


# µs since 1970, and the text.
JournalLine = tuple[int, str]


async def _no_lines(_transition: str) -> Sequence[JournalLine]:
    return ()


@dataclass(frozen=True, slots=True)
class HistoryReadings:
    """How to ask for transitions: all that are kept, newest first, and a group's last one.

    `journal` gives the journal's lines of one, oldest first.
    """

    newest_first: Callable[[], tuple[Transition, ...]] = _nothing
    last_of: Callable[[GroupName], str] = _none_of
    journal: Callable[[str], Awaitable[Sequence[JournalLine]]] = _no_lines


def told(transition: Transition) -> Properties:
    """One transition as Manager.History tells it; the manual is org.hbd.Heartbeat1(5)."""
    return {
        "Id": _text(transition.id),
        "Node": _text(transition.node),
        "Cause": _text(transition.cause.value),
        "RequestedBy": _text(transition.requested_by),
        "Rule": _text(transition.rule),
        "Rules": Variant("as", [rule.value for rule in transition.rules]),
        "Groups": Variant("as", [sendable(group) for group in transition.groups]),
        "From": _text(transition.origin),
        "To": _text(transition.target),
        "Result": _text(transition.result.value),
        "Why": _text(transition.why),
        "Fencing": _text(transition.fencing.value),
        "StartedUSec": Variant("t", transition.realtime_usec),
        "DurationUSec": Variant("t", transition.usec),
        "OutageUSec": Variant("t", transition.outage_usec),
        "Moves": Variant("a(sssstt)", _moves(transition)),
        "Evidence": Variant("a(ssst)", _evidence(transition)),
        "Steps": Variant("a(ssssttss)", _stages(transition)),
    }


def _moves(transition: Transition) -> list[list[object]]:
    return [
        [
            sendable(move.group),
            sendable(move.origin),
            sendable(move.target),
            move.result.value,
            move.epoch,
            move.outage_usec,
        ]
        for move in transition.moves
    ]


def _evidence(transition: Transition) -> list[list[object]]:
    return [
        [sendable(each.subject), sendable(each.name), sendable(each.word), each.usec]
        for each in transition.evidence
    ]


def _stages(transition: Transition) -> list[list[object]]:
    return [
        [
            stage.phase.value,
            stage.kind.value,
            sendable(stage.group),
            sendable(stage.resource),
            max(0, stage.began_at - transition.began_at),
            stage.usec,
            stage.result.value,
            sendable(stage.why),
        ]
        for stage in transition.stages
    ]


def _text(value: str) -> Variant:
    return Variant("s", sendable(value))
