"""The picture of `hbctl status` on a terminal: both nodes side by side, and what is between them.

Pure: the same view, moment and style give the same characters. What is wrong stands right below
the nodes, each with the command that helps, so that a small window shows it first.
"""

from __future__ import annotations

from collections.abc import Sequence

from hbd.cli.ink import Line, Role, Span, Style, beside, box, columns, drawn, wrapped
from hbd.cli.problems import Problem, Severity, problems
from hbd.cli.progress import job_progress
from hbd.cli.spans import ago, day, share, span
from hbd.cli.view import GroupView, JobView, LinkView, NodeView, StatusView
from hbd.cluster.terms import (
    GroupState,
    Implementation,
    LinkStatus,
    PeerStatus,
    Phase,
    ResourceState,
)

NARROWEST = 40  # columns; below, lines are cut
WIDEST_BOXES = 120  # columns; wider, the eye loses the line
_GAP = 2

GOOD, WARNING, BAD, IDLE, WORK = (
    Span("●", Role.GOOD),
    Span("▲", Role.WARNING),
    Span("✗", Role.BAD),
    Span("○", Role.DIM),
    Span("▶", Role.WARNING),
)
_NODE_MARKS = {
    Phase.ACTIVE.value: GOOD,  # PeerStatus.ACTIVE is the same word
    PeerStatus.LOST.value: BAD,
    PeerStatus.FENCED.value: BAD,
    PeerStatus.UNKNOWN.value: IDLE,
}
_STATE_MARKS = {
    GroupState.STARTED.value: GOOD,
    GroupState.STARTING.value: WORK,
    GroupState.STOPPING.value: WORK,
    GroupState.STOPPED.value: IDLE,
    GroupState.UNKNOWN.value: IDLE,
    GroupState.PARTIAL.value: WARNING,
    ResourceState.FAILED.value: BAD,
}
_PROBLEM_MARKS = {
    Severity.ERROR: (BAD, Role.BAD),
    Severity.WARNING: (WARNING, Role.WARNING),
    Severity.NOTICE: (IDLE, Role.PLAIN),
}


def picture(view: StatusView, now_usec: int, style: Style) -> str:
    """Everything a person wants to see at once."""
    width = max(NARROWEST, style.width)
    found = problems(view)
    blocks = [
        _nodes(view, now_usec, min(width, WIDEST_BOXES)),
        [line for problem in found for line in _problem(problem, view, width)],
        _jobs(view, now_usec),
        _links(view.links, now_usec),
        _groups(view),
        [_settings(view)],
    ]
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [*block, []]
    return drawn(lines[:-1], style)


def _nodes(view: StatusView, now_usec: int, width: int) -> list[list[Span]]:
    left = (width - _GAP) // 2
    widths = (left, width - _GAP - left)
    boxes = [
        box(_title(node, now_usec), _inside(node, view), wide)
        for node, wide in zip(view.nodes, widths, strict=True)
    ]
    return beside(boxes[0], boxes[1], _GAP)


def _title(node: NodeView, now_usec: int) -> list[Span]:
    heard = ago(node.last_heard_usec, now_usec) if node.last_heard_usec else "never heard"
    what = "this node" if node.local else heard
    return [Span(node.name, Role.TITLE), Span(f", {what}", Role.DIM)]


def _inside(node: NodeView, view: StatusView) -> list[list[Span]]:
    """Its status, then every group: the same line on both sides is the same group."""
    mark = _NODE_MARKS.get(node.status, WARNING)
    lines = [[mark, Span(" "), Span(node.status, mark.role)]]
    if node.maintenance:
        lines[0].append(Span(", maintenance", Role.WARNING))
    if node.implementation == Implementation.HEARTBEAT.value:
        lines[0].append(Span(f", runs {node.implementation}", Role.DIM))
    for group in view.groups:
        state = group.state if node.local else group.peer_state
        mark = _state(state)
        lines.append([mark, Span(f" {group.name} "), Span(state, mark.role)])
    return lines


def _problem(problem: Problem, view: StatusView, width: int) -> list[list[Span]]:
    mark, role = _PROBLEM_MARKS[problem.severity]
    where = "" if problem.node == view.node else f"on {problem.node}: "
    told = wrapped(mark, problem.text, width, role)
    return [*told, [Span("  → "), Span(where), Span(problem.command, Role.COMMAND)]]


def _jobs(view: StatusView, now_usec: int) -> list[list[Span]]:
    return [_job(job, view, now_usec) for job in view.jobs]


def _job(job: JobView, view: StatusView, now_usec: int) -> list[Span]:
    what = ", ".join(job.groups) or job.scope
    progress = job_progress(view, job)
    return [
        WORK,
        Span(f" job {job.id}: {job.verb} {what}"),
        Span(f", {progress}" if progress else "", Role.WARNING),
        Span(f", {span(max(0, now_usec - job.requested_usec))}, by {job.requested_by}", Role.DIM),
    ]


def _links(links: Sequence[LinkView], now_usec: int) -> list[list[Span]]:
    heading = [Span(word, Role.DIM) for word in ("LINK", "KIND", "STATUS", "HEARD", "LOSS", "")]
    rows = [_link(link, now_usec) for link in links]
    marks = [Span(" "), *(GOOD if link.status == LinkStatus.UP.value else BAD for link in links)]
    return [[m, Span(" "), *line] for m, line in zip(marks, columns([heading, *rows]), strict=True)]


def _link(link: LinkView, now_usec: int) -> list[Span]:
    is_up = link.status == LinkStatus.UP.value
    lossy = link.loss is not None and link.loss >= 0.01  # one heartbeat in a hundred: look at it
    return [
        Span(link.name),
        Span(link.kind),
        Span(link.status, Role.GOOD if is_up else Role.BAD),
        Span(ago(link.last_heard_usec, now_usec)),
        Span(share(link.loss), Role.WARNING if lossy else Role.PLAIN),
        Span(link.fault, Role.BAD),
    ]


def _groups(view: StatusView) -> list[list[Span]]:
    return [line for group in view.groups for line in _group(group)]


def _group(group: GroupView) -> list[list[Span]]:
    at_home = group.owner == group.preferred
    home = Span("at home", Role.DIM) if at_home else Span(f"home {group.preferred}", Role.WARNING)
    unprotected = Role.WARNING if group.protection == "none" else Role.DIM
    head = [
        Span(group.name, Role.TITLE),
        Span(f"  {group.owner} "),
        home,
        Span(f"  protection {group.protection}", unprotected),
    ]
    last = []
    if group.last_transition is not None:
        moved = group.last_transition
        explain = f"hbctl explain {moved.id.rpartition('-')[2]}"
        last = [[Span(f"  last: {day(moved.at_usec)} {moved.text}; {explain}", Role.DIM)]]
    rows = [
        [
            Span(resource.text),
            Span(resource.state, _state(resource.state).role),
            Span(resource.unit, Role.DIM),
        ]
        for resource in group.resources
    ]
    marks = [_state(resource.state) for resource in group.resources]
    lines = columns(rows)
    told = [[Span("  "), m, Span(" "), *line] for m, line in zip(marks, lines, strict=True)]
    return [head, *last, *told]


def _settings(view: StatusView) -> list[Span]:
    text = f"auto_failback {view.auto_failback}  deadtime {span(view.deadtime_usec)}"
    return [Span(f"{text}  hbd {view.version}", Role.DIM)]


def _state(word: str) -> Span:
    return _STATE_MARKS.get(word, BAD)
