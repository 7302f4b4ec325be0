"""`hbctl history` and `hbctl explain`: what moved, why, step by step, with the journal's lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from hbd.cli.client import Client, connected
from hbd.cli.ink import printable
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.past import EvidenceView, StepView, TransitionView, chosen, plain, transition_view
from hbd.cli.spans import day, local

BAR = 30  # characters for the longest stretch
NO_JOURNAL = "The journal no longer has its lines."


async def history(limit: int, *, as_json: bool) -> Exit:
    """Print the last transitions, newest last, where the eye is."""
    async with connected() as client:
        views = [transition_view(each) for each in await client.history(limit)]
    if as_json:
        print(json.dumps({"transitions": [plain(view) for view in views]}, indent=2))
        return Exit.DONE
    for line in as_lines(views):
        print(printable(line))
    return Exit.DONE


async def explain(wanted: str | None, *, as_json: bool) -> Exit:
    """Print why one came about, and what it took."""
    async with connected() as client:
        view = chosen([transition_view(each) for each in await client.history(0)], wanted)
        lines = await _journal(client, view.id)
    if as_json:
        print(json.dumps({"transition": plain(view), "journal": lines}, indent=2))
        return Exit.DONE
    for line in explanation(view, lines):
        print(printable(line))
    return Exit.DONE


async def _journal(client: Client, wanted: str) -> list[str]:
    """The journal's lines of a transition; none where the daemon has none for us."""
    try:
        return [f"{clock(at)}  {text}" for at, text in await client.journal(wanted)]
    except Trouble:  # what is known of the move is told all the same
        return []


def as_lines(views: Sequence[TransitionView]) -> Iterable[str]:
    """A line each, oldest first."""
    if not views:
        yield "nothing has moved on this node yet"
    width = max((len(view.cause) for view in views), default=0)
    for view in reversed(views):
        by = f" by {view.requested_by}" if view.requested_by else ""
        took = seconds(view.duration_usec) if view.duration_usec else "-"
        yield (
            f"{day(view.started_usec)}  {view.id}  {view.cause.ljust(width)}  "
            f"{took:>9}  {title(view)}{by}"
        )


def explanation(view: TransitionView, lines: Sequence[str]) -> Iterable[str]:
    """Why, by which rule, and what each step took."""
    yield f"{view.id}: {title(view)}"
    yield ""
    by = f", asked for by {view.requested_by}" if view.requested_by else ""
    yield f"  When      {day(view.started_usec)}"
    yield f"  Cause     {view.cause}{by}"
    for word, each in zip(["Evidence"] + [""] * 99, view.evidence, strict=False):
        yield f"  {word:8}  {evidence(each)}"
    yield f"  Rules     {', '.join(view.rules) or 'none'}   (hbd(8) explains them)"
    if view.fencing != "none":
        yield f"  Fencing   {view.fencing}"
    if view.why:
        yield f"  Why       {view.why}"
    took = seconds(view.duration_usec) if view.duration_usec else "still under way"
    yield f"  Took      {took}"
    if view.outage_usec:
        yield f"  Unserved  {seconds(view.outage_usec)} at most: what a client felt"
    yield ""
    yield from _steps(view.steps)
    yield ""
    yield from lines or [NO_JOURNAL]


def _steps(steps: Sequence[StepView]) -> Iterable[str]:
    longest = max((step.usec for step in steps), default=0) or 1
    names = [f"{step.phase} {step.resource or step.group}".strip() for step in steps]
    width = max(map(len, names), default=0)
    for step, name in zip(steps, names, strict=True):
        bar = "#" * max(1, round(BAR * step.usec / longest))
        rest = "" if step.result == "done" else f"  {step.result}"
        why = f": {step.why}" if step.why else ""
        at = f"+{step.offset_usec / 1e6:.3f}"
        yield f"  {at:>9}  {name.ljust(width)}  {seconds(step.usec):>9}  {bar}{rest}{why}"


def title(view: TransitionView) -> str:
    """`192.168.0.100: ttisrv1 -> ttisrv2, moved`."""
    way = f"{view.origin or 'nobody'} -> {view.target or 'both'}"
    return f"{', '.join(view.groups)}: {way}, {view.result}"


def evidence(each: EvidenceView) -> str:
    """`link eth1: dead, silent for 5.00 s`."""
    text = f"{each.subject} {each.name}: {each.word}"
    return f"{text}, silent for {seconds(each.silent_usec)}" if each.silent_usec else text


def seconds(usec: int) -> str:
    """With milliseconds below a tenth."""
    return f"{usec / 1e6:.2f} s" if usec >= 100_000 else f"{usec / 1e6:.3f} s"


def clock(usec: int) -> str:
    """The time alone, to the millisecond."""
    return f"{local(usec):%H:%M:%S}.{usec % 1_000_000 // 1000:03d}"
