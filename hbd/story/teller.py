"""Tells transitions: one step in, what is under way and what has ended out. Pure.

A group's move begins when it is set in motion (`causes.begins`) or its owner is lost, and ends
when it is at rest again (`rest`). Moves of one cause at one time are one transition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hbd.cluster.change import holder
from hbd.cluster.node import Group
from hbd.cluster.terms import GroupName, Instant, Phase, Usec
from hbd.story import causes, stages
from hbd.story.rest import result_of, why_failed
from hbd.story.taken import Taken, is_served
from hbd.story.transition import (
    Cause,
    Fencing,
    Move,
    Result,
    Rule,
    StageResult,
    Transition,
)

MAX_EVIDENCE = 40
_OF_SILENCE = (Cause.PEER_LOST, Cause.PEER_ABSENT)


@dataclass(frozen=True, slots=True)
class Story:
    """What is under way, and since when nobody is known to serve a group that was served once."""

    count: int = 0
    running: tuple[Transition, ...] = ()
    unserved: tuple[tuple[GroupName, Instant], ...] = ()

    def of_group(self, group: GroupName) -> Transition | None:
        """The transition under way that the group is part of."""
        return next((each for each in self.running if _is_moving(each, group)), None)


@dataclass(frozen=True, slots=True)
class Told:
    """A step told: the story as it goes on, and what has begun and ended in this step."""

    story: Story
    begun: tuple[Transition, ...] = ()
    ended: tuple[Transition, ...] = ()


def tell(story: Story, taken: Taken) -> Told:
    """Go on with the story by one step."""
    if not story.running and taken.is_dull():
        return Told(story)
    known = {each.id for each in story.running}
    story, outages = _served(story, taken)
    if taken.loses_peer and taken.after.phase is not Phase.LEAVING:
        story = _lose_peer(story, taken)
    for was, group in taken.groups():
        if story.of_group(group.name) is None and causes.begins(taken, was, group):
            story = _begin(story, taken, causes.cause_of(taken, was, group), group)
    followed = [_follow(each, taken, outages) for each in story.running]
    begun = tuple(each for each in followed if each.id not in known)
    ended = tuple(each for each in followed if each.ended_at is not None)
    running = tuple(each for each in followed if each.ended_at is None)
    return Told(replace(story, running=running), begun, ended)


# --- served or not --------------------------------------------------------------------------


def _served(story: Story, taken: Taken) -> tuple[Story, dict[GroupName, Usec]]:
    """Note who is no longer served; and for whom that ends now, after how long."""
    since = dict(story.unserved)
    over: dict[GroupName, Usec] = {}
    for was, group in taken.groups():
        if is_served(taken.after, group):
            began = since.pop(group.name, None)
            if began is not None:
                over[group.name] = Usec(taken.now - began)
        elif is_served(taken.before, was):
            since[group.name] = taken.silent_since if taken.loses_peer else taken.now
    return replace(story, unserved=tuple(since.items())), over


# --- beginnings -----------------------------------------------------------------------------


def _lose_peer(story: Story, taken: Taken) -> Story:
    """Every group of the lost peer is to be acquired, whatever was under way with it."""
    cause = Cause.PEER_ABSENT if taken.before.peer.heard_at is None else Cause.PEER_LOST
    theirs = [group for group in taken.after.groups if group.owner == taken.after.peer.name]
    why = f"{taken.after.peer.name} was lost meanwhile"
    for group in theirs:
        running = tuple(
            _ended_move(each, group.name, Result.FAILED, why)
            if _is_moving(each, group.name)
            else each
            for each in story.running
        )
        story = _begin(replace(story, running=running), taken, cause, group)
    return story


def _begin(story: Story, taken: Taken, cause: Cause, group: Group) -> Story:
    """Add the group's move to the transition of the same cause, or to a new one."""
    move = _move(taken, group)
    fits = next((each for each in story.running if each.cause is cause), None)
    if fits is not None and fits.ended_at is None:
        order = [each.name for each in taken.after.groups]
        others = tuple(each for each in fits.moves if each.group != group.name)
        moves = sorted((*others, move), key=lambda each: order.index(each.group))
        grown = replace(fits, moves=tuple(moves))
        running = tuple(grown if each is fits else each for each in story.running)
        return replace(story, running=running)
    count = story.count + 1
    transition = Transition(
        id=f"{taken.after.name}-{taken.after.generation:010d}-{count:04d}",
        node=taken.after.name,
        cause=cause,
        began_at=taken.now,
        requested_by=causes.requested_by(taken),
        moves=(move,),
        evidence=causes.evidence_of(taken, cause, group)[:MAX_EVIDENCE],
    )
    if cause in _OF_SILENCE and taken.loses_peer:
        transition = replace(
            transition,
            began_at=taken.silent_since,
            stages=stages.of_loss(taken),
            fencing=Fencing.PENDING,
            rules=(Rule.FENCE_FIRST,),
        )
    return replace(story, count=count, running=(*story.running, transition))


def _move(taken: Taken, group: Group) -> Move:
    was = taken.before.group(group.name)
    assert was is not None, "groups neither come nor go in a step"
    node, target = taken.after, group.owner
    if group.wanted or taken.loses_peer:
        target = node.name
    elif group.giving:
        target = node.peer.name
    heard = taken.loses_peer and taken.before.peer.heard_at is not None
    origin = holder(taken.before, was) or (group.owner if heard else "")
    return Move(group.name, origin, target, group.epoch)


def _is_moving(transition: Transition, group: GroupName) -> bool:
    return any(move.group == group and move.result is Result.RUNNING for move in transition.moves)


# --- going on -------------------------------------------------------------------------------


def _follow(transition: Transition, taken: Taken, outages: dict[GroupName, Usec]) -> Transition:
    """One transition, one step further; ended when its last group is at rest."""
    if any(move.result is Result.RUNNING for move in transition.moves):
        transition = _ruled(stages.follow(transition, taken), taken)
        transition = _witnessed(transition, taken)
        transition = _settled(transition, taken, outages)
    if any(move.result is Result.RUNNING for move in transition.moves):
        return transition
    ended = stages.end(transition, taken.now, None, result=StageResult.ABANDONED)
    return replace(ended, ended_at=taken.now)


def _ruled(transition: Transition, taken: Taken) -> Transition:
    for was, group in taken.groups():
        if not _is_moving(transition, group.name):
            continue
        rule = causes.rule_of(taken, was, group, ruled=bool(transition.rules))
        if rule is not None and rule not in transition.rules:
            transition = replace(transition, rules=(*transition.rules, rule))
    return transition


def _witnessed(transition: Transition, taken: Taken) -> Transition:
    """What came to be known in its course: the operator's word, and why fencing failed."""
    found = causes.news(taken)
    if found is None or transition.fencing is Fencing.NONE or found in transition.evidence:
        return transition
    return replace(transition, evidence=(*transition.evidence, found)[:MAX_EVIDENCE])


def _settled(transition: Transition, taken: Taken, outages: dict[GroupName, Usec]) -> Transition:
    for move in transition.moves:
        if move.result is not Result.RUNNING:
            continue
        group = taken.after.group(move.group)
        if group is None:  # the files say nothing of it any more
            transition = _with_move(transition, replace(move, result=Result.RELEASED))
            continue
        if group.name in outages:
            move = replace(move, outage_usec=max(move.outage_usec, outages[group.name]))
        if taken.starts(group.name) or taken.stops(group.name):
            move = replace(move, was_touched=True)
        result = result_of(move, taken.after, group)
        if result in (Result.MOVED, Result.STARTED):
            transition = stages.served(transition, taken.now, group.name)
        target = move.target if result is Result.RUNNING else group.owner
        move = replace(move, epoch=group.epoch, target=target, result=result)
        if result is Result.FAILED:
            why = why_failed(taken.after, group)
            transition = _ended_move(transition, group.name, result, why)
        transition = _with_move(transition, move)
    return transition


def _ended_move(transition: Transition, group: GroupName, result: Result, why: str) -> Transition:
    [move] = [each for each in transition.moves if each.group == group]
    transition = _with_move(transition, replace(move, result=result))
    reasons = "; ".join(dict.fromkeys(filter(None, (transition.why, f"{group}: {why}"))))
    return replace(transition, why=reasons)


def _with_move(transition: Transition, move: Move) -> Transition:
    moves = tuple(move if each.group == move.group else each for each in transition.moves)
    return replace(transition, moves=moves)
