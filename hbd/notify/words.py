"""What to tell of two pictures of the cluster, one after the other: pure functions.

A move is told once, when it is over. A problem (`hbd.cli.problems`, so in hbctl's words) is told
when it begins, and its end is told in the same place. Whoever logs in hears of what does not work,
and not of what has been so for long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hbd.cli.outcome import NOT_RUNNING
from hbd.cli.past import TransitionView
from hbd.cli.problems import Kind, Problem, Severity
from hbd.cli.spans import span
from hbd.cli.view import StatusView
from hbd.cluster.terms import LinkStatus, PeerStatus
from hbd.notify.note import News, Note, Urgency, Withdrawal

Key = tuple[Kind, str]  # which problem of which thing

# What a notification is raised for, and what it is then about. What an operator does on purpose
# (maintenance) is none, nor what its cause tells already (a resource of a group that failed).
_ABOUT = {
    Kind.PEER_LOST: "node",
    Kind.FENCE_WAITS: "node",
    Kind.PEER_FENCED: "node",
    Kind.PEER_LEFT: "node",
    Kind.LINK_DEAD: "link",
    Kind.GROUP_FAILED: "group",
    Kind.GROUP_NOT_SERVED: "group",
    Kind.UNPROTECTED: "protection",
}
_HEADINGS = {
    Kind.PEER_LOST: "{subject} is lost",
    Kind.FENCE_WAITS: "{subject} is lost, and nothing is taken over",
    Kind.PEER_FENCED: "{subject} is gone",
    Kind.PEER_LEFT: "{subject} has left the cluster",
    Kind.GROUP_FAILED: "{subject} has failed on {node}",
    Kind.GROUP_NOT_SERVED: "{subject} is not served",
    Kind.UNPROTECTED: "Protection is lost",
}
_URGENCIES = {
    Severity.ERROR: Urgency.CRITICAL,
    Severity.WARNING: Urgency.NORMAL,
    Severity.NOTICE: Urgency.LOW,
}
# The causes of org.hbd.Heartbeat1(5), for people. `{peer}` is the other node, `{by}` who asked.
_CAUSES = {
    "peer-lost": "{peer} fell silent",
    "peer-absent": "{peer} was not heard since hbd started",
    "peer-left": "{peer} left the cluster",
    "peer-confirmed-down": "{peer} is off, by an operator's word",
    "peer-gave": "{peer} gave it away",
    "peer-asked": "{peer} asked for it",
    "takeover": "Takeover{by}",
    "standby": "Standby{by}",
    "failback": "Failback: its own node is there again",
    "resource-lost": "A resource had failed",
    "failure-cleared": "What had failed was tried again{by}",
    "maintenance-ended": "Maintenance has ended",
    "start": "hbd was started",
    "stop": "hbd was stopped",
    "reload": "The configuration has changed",
    "newer-record": "The other node had taken over meanwhile",
    "other": "It was found otherwise than it was believed to be",
}
_DAEMON = "hbd"


@dataclass(frozen=True, slots=True)
class Scene:
    """The cluster as this machine's hbd tells it, with each group's last move where it is over."""

    view: StatusView
    problems: Mapping[Key, Problem] = field(default_factory=dict)
    moves: Mapping[str, TransitionView] = field(default_factory=dict)


def standing(found: list[Problem]) -> dict[Key, Problem]:
    """The problems that are worth a notification, by what they are."""
    return {(each.kind, each.subject): each for each in found if each.kind in _ABOUT}


def news(before: Scene | None, after: Scene) -> list[News]:
    """What is to be told of `after`, at most one thing about each subject, the worst first."""
    told: dict[str, News] = {}
    for each in _everything(before, after):
        known = told.get(each.subject)
        if known is None or _weight(each) > _weight(known):
            told[each.subject] = each
    return sorted(told.values(), key=_weight, reverse=True)


def stopped(view: StatusView) -> Note:
    """hbd has gone from this machine, and did not come back by itself."""
    return Note(_DAEMON, Urgency.NORMAL, f"hbd has stopped on {view.node}", NOT_RUNNING)


def running_again() -> Withdrawal:
    """hbd is back; what moved meanwhile is told for itself."""
    return Withdrawal(_DAEMON)


def _weight(each: News) -> int:
    return -1 if isinstance(each, Withdrawal) else each.urgency


def _everything(before: Scene | None, after: Scene) -> Iterator[News]:
    if before is None:
        for problem in after.problems.values():
            if problem.severity is Severity.ERROR:
                yield _began(problem, after.view)
        return
    for key, problem in after.problems.items():
        if key not in before.problems:
            yield _began(problem, after.view)
    yield from _moved(before, after)
    for key, problem in before.problems.items():
        if key not in after.problems:
            yield _ended(problem, after.view)


def _began(problem: Problem, view: StatusView) -> Note:
    if problem.kind is Kind.LINK_DEAD:  # its text is short, and others may do its work
        heading, text = _sentence(problem.text), _links(view)
    else:
        form = _HEADINGS[problem.kind]
        heading = form.format(subject=problem.subject, node=problem.node)
        text = f"{problem.text}."
    body = f"{text}\nOn {problem.node}: {problem.command}"
    return Note(_subject(problem), _URGENCIES[problem.severity], heading, body)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _subject(problem: Problem) -> str:
    about = _ABOUT[problem.kind]
    return about if about == "protection" else f"{about} {problem.subject}"


def _ended(problem: Problem, view: StatusView) -> News:
    """The end of a problem; what ends for want of its thing, or for a worse cause, is no news."""
    subject = _subject(problem)
    summary = _good(problem, view)
    if not summary:
        return Withdrawal(subject)
    return Note(subject, Urgency.NORMAL, summary, _links(view))


def _links(view: StatusView) -> str:
    """How the two machines are joined, now that something is well again."""
    links = [link for link in view.links if link.leads_to_peer]
    up = [link for link in links if link.status == LinkStatus.UP.value]
    return f"{len(up)} of {len(links)} links to {view.peer} work."


def _good(problem: Problem, view: StatusView) -> str:
    match problem.kind:
        case Kind.LINK_DEAD:
            up = [link.name for link in view.links if link.status == LinkStatus.UP.value]
            return f"Link {problem.subject} works again" if problem.subject in up else ""
        case Kind.UNPROTECTED:
            return f"Protection is back: {view.protection}"
        case Kind.GROUP_FAILED | Kind.GROUP_NOT_SERVED:
            return ""  # a move tells that it is served
        case _:
            is_back = view.peer_status == PeerStatus.ACTIVE.value
            return f"{problem.subject} is back" if is_back else ""


def _moved(before: Scene, after: Scene) -> Iterator[Note]:
    """A note for each transition that has come to its end since, with all its groups."""
    known = {view.id for view in before.moves.values()}
    fresh = {view.id: view for view in after.moves.values() if view.id not in known}
    for view in fresh.values():
        if _is_news(view):
            groups = [name for name, last in after.moves.items() if last.id == view.id]
            yield _move(view, groups, after.view.peer)


def _is_news(view: TransitionView) -> bool:
    """Whether clients have felt it, or are served by another node; a failure is told as a problem.

    A daemon that finds its groups running when it starts has started nothing.
    """
    return view.result == "moved" or (
        view.result == "started" and (view.outage_usec > 0 or view.cause != "start")
    )


def _move(view: TransitionView, groups: list[str], peer: str) -> Note:
    what, verb = (groups[0], "is") if len(groups) == 1 else (f"{len(groups)} groups", "are")
    where = view.target or "both nodes"
    way = f"moved to {where}" if view.result == "moved" else f"{verb} served by {where}"
    by = f" by {view.requested_by}" if view.requested_by else ""
    cause = _CAUSES.get(view.cause, view.cause).format(peer=peer, by=by)
    tenths = round(view.outage_usec, -5)
    waited = f" Clients waited {span(tenths)} at most." if tenths else ""
    which = f"{', '.join(groups)}\n" if len(groups) > 1 else ""
    subject = f"group {', '.join(groups)}"
    return Note(subject, Urgency.NORMAL, f"{what} {way}", f"{which}{cause}.{waited}")
