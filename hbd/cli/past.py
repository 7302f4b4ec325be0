"""What Manager.History told, as frozen types: hbctl's own picture of a transition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hbd.cli.outcome import Exit, Trouble

RUNNING = "running"  # the result of a transition that is not over


@dataclass(frozen=True, slots=True)
class StepView:
    """One stretch of time; `offset_usec` counts from the transition's beginning."""

    phase: str
    kind: str
    group: str
    resource: str
    offset_usec: int
    usec: int
    result: str
    why: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One thing that was known."""

    subject: str
    name: str
    word: str
    silent_usec: int


@dataclass(frozen=True, slots=True)
class MoveView:
    """One group's part."""

    group: str
    origin: str
    target: str
    result: str
    epoch: int
    outage_usec: int


@dataclass(frozen=True, slots=True)
class TransitionView:
    """One move of groups, in the words of org.hbd.Heartbeat1(5)."""

    id: str
    node: str
    cause: str
    requested_by: str
    rules: tuple[str, ...]
    groups: tuple[str, ...]
    origin: str
    target: str
    result: str
    why: str
    fencing: str
    started_usec: int
    duration_usec: int
    outage_usec: int
    moves: tuple[MoveView, ...]
    evidence: tuple[EvidenceView, ...]
    steps: tuple[StepView, ...]


def transition_view(told: Mapping[str, object]) -> TransitionView:
    """The picture of one; Trouble if the daemon speaks another version of the API."""
    try:
        return TransitionView(
            id=str(told["Id"]),
            node=str(told["Node"]),
            cause=str(told["Cause"]),
            requested_by=str(told["RequestedBy"]),
            rules=tuple(map(str, _list(told["Rules"]))),
            groups=tuple(map(str, _list(told["Groups"]))),
            origin=str(told["From"]),
            target=str(told["To"]),
            result=str(told["Result"]),
            why=str(told["Why"]),
            fencing=str(told["Fencing"]),
            started_usec=_number(told["StartedUSec"]),
            duration_usec=_number(told["DurationUSec"]),
            outage_usec=_number(told["OutageUSec"]),
            moves=tuple(MoveView(*_list(each)) for each in _list(told["Moves"])),
            evidence=tuple(EvidenceView(*_list(each)) for each in _list(told["Evidence"])),
            steps=tuple(StepView(*_list(each)) for each in _list(told["Steps"])),
        )
    except (KeyError, TypeError) as error:
        text = f"the running hbd is of another version ({error}); restart it after the upgrade"
        raise Trouble(Exit.FAILED, text) from error


def plain(view: TransitionView) -> dict[str, object]:
    """For JSON."""
    return asdict(view)


def chosen(views: Sequence[TransitionView], wanted: str | None) -> TransitionView:
    """The one with that id, or with that end of it; the last one if none is named."""
    if not views:
        raise Trouble(Exit.FAILED, "nothing has moved on this node yet, or its history is lost")
    if wanted is None:
        return views[0]
    fits = [view for view in views if view.id == wanted or view.id.endswith(f"-{wanted}")]
    if not fits:
        raise Trouble(Exit.USAGE, f"no transition '{wanted}' is kept here; see `hbctl history`")
    return fits[0]


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r:.40}")
    return value
