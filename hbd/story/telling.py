"""A transition in a sentence, for the journal and for people."""

from __future__ import annotations

from hbd.story.transition import Evidence, Kind, Phase, Result, Stage, Transition

_PLAIN = 1_000_000


def seconds(usec: int) -> str:
    """`5.31 s`; below a tenth of a second with the milliseconds."""
    return f"{usec / _PLAIN:.2f} s" if usec >= _PLAIN // 10 else f"{usec / _PLAIN:.3f} s"


def label(stage: Stage) -> str:
    """What the stretch was spent on, in one or two words: `detect`, `mount`, `stop samba`."""
    if stage.kind is Kind.NONE:
        return stage.phase.value
    return stage.kind.value if stage.phase is Phase.START else f"stop {stage.kind.value}"


def sums(transition: Transition) -> dict[str, int]:
    """The time spent on each kind of thing, in µs, in the order in which they came."""
    spent: dict[str, int] = {}
    for stage in transition.stages:
        spent[label(stage)] = spent.get(label(stage), 0) + stage.usec
    return spent


def title(transition: Transition) -> str:
    """What became of it, without figures: `192.168.0.100 moved from a to b`."""
    groups = ", ".join(transition.groups)
    origin, target = transition.origin, transition.target
    match transition.result:
        case Result.RUNNING:
            return f"{groups}: under way to {target}" if target else f"{groups}: under way"
        case Result.MOVED if origin and target:
            return f"{groups} moved from {origin} to {target}"
        case Result.STARTED if target:
            return f"{groups} started on {target}"
        case Result.STAYED if target:
            return f"{groups} stayed on {target}"
        case Result.RELEASED:
            return f"{groups} released on {transition.node}"
        case Result.FAILED:
            return f"{groups} failed: {transition.why}"
        case result:
            return f"{groups} {result.value}"


def summary(transition: Transition) -> str:
    """`g moved from a to b in 5.31 s: detect 5.00, mount 0.10; unserved for 5.31 s at most`."""
    text = f"{title(transition)} in {seconds(transition.usec)}"
    spent = ", ".join(f"{word} {usec / _PLAIN:.3f}" for word, usec in sums(transition).items())
    text += f": {spent}" if spent else ""
    if transition.outage_usec:
        text += f"; unserved for {seconds(transition.outage_usec)} at most"
    return text


def told(evidence: Evidence) -> str:
    """`link eth1 dead, silent for 5.00 s`."""
    text = f"{evidence.subject} {evidence.name}: {evidence.word}"
    return f"{text}, silent for {seconds(evidence.usec)}" if evidence.usec else text
