"""hbctl's output: pure functions from the picture to text and JSON.

Text is for people and may change; JSON is for programs, its keys are documented in hbctl(1).
Names and reasons may quote what programs printed, so nothing unprintable reaches the terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from hbd.cli.view import GroupView, JobView, LinkView, NodeView, StatusView

_SECOND = 1_000_000  # µs
_COLUMN_GAP = "  "

Row = Sequence[str]


def as_json(view: StatusView, now_usec: int) -> str:
    """One JSON object; `now_usec` is the time on the clock of every `…_usec` instant in it."""
    return json.dumps({"now_usec": now_usec, **asdict(view)}, indent=2)


def as_text(view: StatusView, now_usec: int) -> str:
    """A picture of both nodes, the links and the groups, in a screen."""
    parts = [
        table(("NODE", "STATUS", "HEARD", "HOLDS"), (_node(n, now_usec) for n in view.nodes)),
        table(
            ("LINK", "KIND", "STATUS", "HEARD", "FAULT"),
            (_link(link, now_usec) for link in view.links),
        ),
        table(
            ("GROUP", "OWNER", view.node.upper(), view.peer.upper(), "PREFERS", "UNIT"),
            (row for group in view.groups for row in _group(group)),
        ),
        *(
            [table(("JOB", "VERB", "GROUPS", "ASKED BY"), map(_job, view.jobs))]
            if view.jobs
            else []
        ),
        *remarks(view),
        f"protection: {view.protection}  auto_failback: {view.auto_failback}"
        f"  deadtime: {_span(view.deadtime_usec)}  hbd {view.version}",
    ]
    return "\n".join(printable(line) for part in parts for line in part.splitlines() or [""])


def links_as_json(view: StatusView, now_usec: int) -> str:
    """The links alone, as in `as_json`."""
    links = [asdict(link) for link in view.links]
    return json.dumps({"now_usec": now_usec, "links": links}, indent=2)


def links_as_text(view: StatusView, now_usec: int) -> str:
    """Every link with what it has counted since the daemon started."""
    heading = ("LINK", "KIND", "STATUS", "HEARD", "FAULT")
    words = sorted({word for link in view.links for word in link.counters})
    names = tuple(link.name for link in view.links)
    counts = ((word, *(str(link.counters.get(word, "-")) for link in view.links)) for word in words)
    parts = [table(heading, (_link(link, now_usec) for link in view.links))]
    parts += [table(("COUNTED", *names), counts)] if words else []
    return "\n".join(printable(line) for part in parts for line in part.splitlines()).rstrip()


def remarks(view: StatusView) -> list[str]:
    """What somebody should read twice, one line each."""
    lines = [f"! {group.name}: {group.failure}" for group in view.groups if group.failure]
    lines += [
        f"! {resource.text}: {resource.why}"
        for group in view.groups
        for resource in group.resources
        if resource.why
    ]
    lines += [
        f"! {node.name} is in maintenance: it moves nothing, and nothing is taken over from it"
        for node in view.nodes
        if node.maintenance
    ]
    lines += [
        f"! {node.name} is taken for off by ha.cf's times alone; no device has proved it"
        for node in view.nodes
        if node.status == "fenced" and not node.fence_proven
    ]
    return lines


def table(heading: Row, rows: Iterable[Row]) -> str:
    """Columns as wide as their widest cell, and an empty line after the last row."""
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    padded = (
        _COLUMN_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded) + "\n\n"


def printable(text: str) -> str:
    """The text with every control character shown as `?`."""
    return "".join(character if character.isprintable() else "?" for character in text)


def change(name: str, properties: dict[str, object]) -> str | None:
    """One line of progress for a change of a group or a resource; None if it is of no interest."""
    words = {"State": "", "PeerState": "on the peer: ", "Owner": "now belongs to "}
    told = [f"{say}{properties[key]}" for key, say in words.items() if key in properties]
    return printable(f"{name}: {', '.join(told)}") if told else None


def _node(node: NodeView, now_usec: int) -> Row:
    heard = "here" if node.local else _ago(node.last_heard_usec, now_usec)
    return (node.name, node.status, heard, ", ".join(node.holds) or "-")


def _link(link: LinkView, now_usec: int) -> Row:
    heard = _ago(link.last_heard_usec, now_usec)
    return (link.name, link.kind, link.status, heard, link.fault)


def _group(group: GroupView) -> list[Row]:
    first = (group.name, group.owner, group.state, group.peer_state, group.preferred, group.unit)
    resources = [
        (f"  {resource.text}", "", resource.state, "", "", resource.unit)
        for resource in group.resources
    ]
    return [first, *resources]


def _job(job: JobView) -> Row:
    return (str(job.id), job.verb, ", ".join(job.groups) or job.scope, job.requested_by)


def _ago(instant_usec: int, now_usec: int) -> str:
    return f"{_span(max(0, now_usec - instant_usec))} ago" if instant_usec else "never"


def _span(usec: int) -> str:
    """A span to a tenth of a second; long ones in minutes, hours or days."""
    seconds = usec / _SECOND
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if usec % _SECOND else f"{seconds:.0f} s"
