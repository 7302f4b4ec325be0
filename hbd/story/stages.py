"""How long: the stretches of time of a transition, from the steps that begin and end them."""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.event import FenceFailed, ResourceChanged
from hbd.cluster.terms import GroupName, Instant, PeerStatus, ResourceState, Usec
from hbd.story.kinds import kind_of
from hbd.story.taken import Taken
from hbd.story.transition import (
    Fencing,
    Kind,
    Phase,
    Stage,
    StageResult,
    Transition,
)

MAX_STAGES = 200  # a group has some ten resources; what is tried again and again is cut off here

_BEGINS = {ResourceState.STARTING: Phase.START, ResourceState.STOPPING: Phase.STOP}
_ENDS = {ResourceState.STARTED: Phase.START, ResourceState.STOPPED: Phase.STOP}


def begin(transition: Transition, stage: Stage) -> Transition:
    """One more stretch; beyond the bound it is counted and not kept."""
    if len(transition.stages) >= MAX_STAGES:
        return replace(transition, stages_dropped=transition.stages_dropped + 1)
    return replace(transition, stages=(*transition.stages, stage))


def end(
    transition: Transition,
    now: Instant,
    phase: Phase | None,
    *,
    group: str = "",
    resource: str = "",
    result: StageResult = StageResult.DONE,
    why: str = "",
) -> Transition:
    """End what runs of that phase (any if None), group and resource."""
    stages = tuple(
        replace(stage, usec=Usec(now - stage.began_at), result=result, why=why or stage.why)
        if stage.result is StageResult.RUNNING
        and phase in (None, stage.phase)
        and group in ("", stage.group)
        and resource in ("", stage.resource)
        else stage
        for stage in transition.stages
    )
    return replace(transition, stages=stages)


def served(transition: Transition, now: Instant, group: GroupName) -> Transition:
    """The group is where it was to be: if the peer had a part in that, it has done it."""
    return end(transition, now, Phase.PEER, group=group)


def follow(transition: Transition, taken: Taken) -> Transition:
    """What this step says of the stretches of a transition."""
    transition = _fencing(transition, taken)
    event = taken.event
    if isinstance(event, ResourceChanged) and event.group in transition.groups:
        transition = _resource(transition, event, taken.now)
    for was, group in taken.groups():
        if group.name not in transition.groups:
            continue
        if was.owner != group.owner and group.owner == taken.after.name:
            transition = end(transition, taken.now, Phase.PEER, group=group.name)
        asks = group.wanted and not was.wanted
        gives = was.owner != group.owner == taken.after.peer.name and not taken.by_report
        if asks or gives:
            stage = Stage(Phase.PEER, taken.now, group=group.name)
            transition = begin(transition, stage)
    return transition


def _resource(transition: Transition, event: ResourceChanged, now: Instant) -> Transition:
    group, resource = event.group, event.resource
    if event.state in _BEGINS:
        transition = end(
            transition, now, None, group=group, resource=resource, result=StageResult.ABANDONED
        )
        phase, kind = _BEGINS[event.state], kind_of(resource)
        return begin(transition, Stage(phase, now, kind, group, resource))
    if event.state in _ENDS:
        return end(transition, now, _ENDS[event.state], group=group, resource=resource)
    return end(
        transition,
        now,
        None,
        group=group,
        resource=resource,
        result=StageResult.FAILED,
        why=event.why,
    )


def _fencing(transition: Transition, taken: Taken) -> Transition:
    if transition.fencing in (Fencing.NONE, Fencing.PROVEN):
        return transition
    peer, event = taken.after.peer, taken.event
    if peer.status is PeerStatus.FENCED:
        found = Fencing.PROVEN if peer.proven else Fencing.UNPROTECTED
        return end(replace(transition, fencing=found), taken.now, Phase.FENCE)
    if isinstance(event, FenceFailed) and peer.status is PeerStatus.LOST:
        stages = tuple(
            replace(stage, why=event.why) if stage.phase is Phase.FENCE else stage
            for stage in transition.stages
        )
        return replace(transition, fencing=Fencing.FAILED, stages=stages)
    return transition


def of_loss(taken: Taken) -> tuple[Stage, ...]:
    """What a lost peer's transition begins with: the silence, and the fencing that it permits."""
    since = taken.silent_since
    detect = Stage(Phase.DETECT, since, Kind.NONE, usec=taken.silence_usec, result=StageResult.DONE)
    return (detect, Stage(Phase.FENCE, taken.now))
