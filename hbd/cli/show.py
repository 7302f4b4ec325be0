"""hbctl's output for pipes and programs: pure functions from the view to text and JSON.

Tables and lines are as wide as their content, so that a pipe gets the same text from any window;
JSON's keys are documented in hbctl(1). Names and reasons may quote what programs printed, so
nothing unprintable is shown. The picture for a terminal is `picture`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from hbd.cli.ink import printable
from hbd.cli.problems import problems
from hbd.cli.progress import job_progress
from hbd.cli.spans import ago, day, share, span
from hbd.cli.view import GroupView, JobView, LinkView, NodeView, StatusView

_COLUMN_GAP = "  "

Row = Sequence[str]


def as_json(view: StatusView, now_usec: int, *, indent: int | None = 2) -> str:
    """One JSON object; `now_usec` is the time on the clock of every `…_usec` instant in it."""
    told = {
        "now_usec": now_usec,
        "running": True,
        **asdict(view),
        "problems": [asdict(problem) for problem in problems(view)],
    }
    return json.dumps(told, indent=indent)


def stopped_as_json(now_usec: int) -> str:
    """The same while hbd does not run: there is nothing else to tell."""
    return json.dumps({"now_usec": now_usec, "running": False})


def as_text(view: StatusView, now_usec: int) -> str:
    """Nodes, links and groups as tables, then one line for each problem and its command."""
    parts = [
        table(("NODE", "STATUS", "HEARD", "HOLDS"), (_node(n, now_usec) for n in view.nodes)),
        _link_table(view.links, now_usec),
        table(
            ("GROUP", "OWNER", view.node.upper(), view.peer.upper(), "PREFERS", "UNIT"),
            (row for group in view.groups for row in _group(group)),
        ),
        *_last_table(view.groups),
        *(_job_table(view, now_usec) if view.jobs else []),
        *remarks(view),
        f"protection: {view.protection}  auto_failback: {view.auto_failback}"
        f"  deadtime: {span(view.deadtime_usec)}  hbd {view.version}",
    ]
    return "\n".join(printable(line) for part in parts for line in part.splitlines() or [""])


def links_as_json(view: StatusView, now_usec: int) -> str:
    """The links alone, as in `as_json`."""
    links = [asdict(link) for link in view.links]
    return json.dumps({"now_usec": now_usec, "links": links}, indent=2)


def links_as_text(view: StatusView, now_usec: int) -> str:
    """Every link with what it has counted since the daemon started."""
    words = sorted({word for link in view.links for word in link.counters})
    names = tuple(link.name for link in view.links)
    counts = ((word, *(str(link.counters.get(word, "-")) for link in view.links)) for word in words)
    parts = [_link_table(view.links, now_usec)]
    parts += [table(("COUNTED", *names), counts)] if words else []
    return "\n".join(printable(line) for part in parts for line in part.splitlines()).rstrip()


def remarks(view: StatusView) -> list[str]:
    """What is wrong, a line each, and the command that helps after an arrow."""
    return [
        f"! {problem.text} -> "
        f"{'' if problem.node == view.node else f'on {problem.node}: '}{problem.command}"
        for problem in problems(view)
    ]


def table(heading: Row, rows: Iterable[Row]) -> str:
    """Columns as wide as their widest cell, and an empty line after the last row."""
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    padded = (
        _COLUMN_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded) + "\n\n"


def _node(node: NodeView, now_usec: int) -> Row:
    heard = "here" if node.local else ago(node.last_heard_usec, now_usec)
    return (node.name, node.status, heard, ", ".join(node.holds) or "-")


def _link_table(links: Iterable[LinkView], now_usec: int) -> str:
    rows = (
        (
            link.name,
            link.kind,
            link.status,
            ago(link.last_heard_usec, now_usec),
            share(link.loss),
            link.fault,
        )
        for link in links
    )
    return table(("LINK", "KIND", "STATUS", "HEARD", "LOSS", "FAULT"), rows)


def _group(group: GroupView) -> list[Row]:
    first = (group.name, group.owner, group.state, group.peer_state, group.preferred, group.unit)
    resources = [
        (f"  {resource.text}", "", resource.state, "", "", resource.unit)
        for resource in group.resources
    ]
    return [first, *resources]


def _last_table(groups: Iterable[GroupView]) -> list[str]:
    """When and how each group moved last, of those that did."""
    moved = [(group.name, group.last_transition) for group in groups]
    rows = [(day(last.at_usec), name, last.text, last.id) for name, last in moved if last]
    return [table(("LAST MOVE", "GROUP", "WHAT", "TRANSITION"), rows)] if rows else []


def _job_table(view: StatusView, now_usec: int) -> list[str]:
    rows = (_job(view, job, now_usec) for job in view.jobs)
    return [table(("JOB", "VERB", "GROUPS", "ASKED BY", "SINCE", "PROGRESS"), rows)]


def _job(view: StatusView, job: JobView, now_usec: int) -> Row:
    what = ", ".join(job.groups) or job.scope
    since = span(max(0, now_usec - job.requested_usec))
    return (str(job.id), job.verb, what, job.requested_by, since, job_progress(view, job))
