"""A new configuration while everything runs: what did not change does not move.

The event says what the files say now. Times and links are believed at once. A group keeps its
ownership record, whatever became of its line; what runs of it goes on by the definition that it was
started with, until that is let go of here:

    the same resources       nothing happens
    others                   from the first one that differs on, rightwards, they are stopped by the
                             old definition; what stands left of it runs on. Then the new one is
                             adopted, looked at, and started by the rules of any start
    removed                  released by the old definition; forgotten once that is proven
    new                      unknown, looked at, and started by the rules of any start: not before
                             the peer says that it does not run it, so not before it knows it

Nothing of this moves a group to the other node.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hbd.cluster import groups as moves
from hbd.cluster.action import ForgetGroup, ReviseGroup
from hbd.cluster.event import ConfigurationChanged, GroupDefinition
from hbd.cluster.node import Group, Link, Node, Resource, Step, chain
from hbd.cluster.terms import Epoch, GroupName, GroupState, Instant, Phase


def on_changed(node: Node, event: ConfigurationChanged, now: Instant) -> Step:
    """Believe the new configuration; a node that leaves has no more use for one."""
    if node.phase in (Phase.LEAVING, Phase.LEFT):
        return Step(node)
    known = {link.name: link for link in node.links}
    names = {group.name for group in event.groups}
    removed = (_removed(group) for group in node.groups if group.name not in names)
    return Step(
        replace(
            node,
            timing=event.timing,
            auto_failback=event.auto_failback,
            digest=event.digest,
            links=(
                *(
                    replace(
                        known[link.name]
                        if link.name in known and not link.is_new
                        else Link(link.name),
                        leads_to_peer=link.leads_to_peer,
                        deadtime_usec=link.deadtime_usec,
                    )
                    for link in event.links
                ),
                *(link for link in node.links if link.is_disk),  # these are found, not configured
            ),
            groups=(*(_redefined(node, group) for group in event.groups), *removed),
            # What was due stays due: the peer may know only the old times yet.
            heartbeat_due=Instant(min(node.heartbeat_due, now + event.timing.keepalive_usec)),
            alive_due=now,  # the watchdog's time is another one from now on
        )
    )


def _redefined(node: Node, definition: GroupDefinition) -> Group:
    group = node.group(definition.name)
    if group is None:
        return _new(node, definition)
    kept = definition.kept
    is_same = kept == len(group.resources) == len(definition.resources)
    group = replace(group, revision=None if is_same and group.resources else definition)
    group = replace(group, removed=False)
    if group.preferred == definition.preferred:
        return group
    # The home counts where two records are of the same age: a younger one settles it.
    epoch = Epoch(group.epoch + 1) if node.owns(group) else group.epoch
    return replace(group, preferred=definition.preferred, epoch=epoch, failback_due=False)


def _new(node: Node, definition: GroupDefinition) -> Group:
    """A group that was not here: who owns it, the peer may know already."""
    home = definition.preferred
    group = Group(
        definition.name,
        preferred=home,
        owner=home,
        revision=definition,
        is_disk_known=False,
    )
    word = node.peer.word_on(group.name)
    if word is None:
        return group
    told = replace(group, epoch=word.epoch, owner=word.owner)
    return max(group, told, key=lambda each: each.record)


def _removed(group: Group) -> Group:
    return replace(
        group, removed=True, revision=None, giving=False, wanted=False, failback_due=False
    )


def settle(node: Node, now: Instant) -> Step:
    """Take each changed group one step further: let go of it, adopt the new definition, forget."""
    names = [group.name for group in node.groups if group.is_changing]
    return chain(node, [partial(_settle, name=name, now=now) for name in names])


def _settle(node: Node, name: GroupName, now: Instant) -> Step:
    group = node.group(name)
    assert group is not None, "a group is forgotten by itself and by nobody else"
    if group.removed and not (group.state.is_held and group.resources):
        return _forget(node, group)
    if group.revision is not None and _is_let_go(group, group.revision):
        waits = _waits(node, group, group.revision)
        stays = node.maintenance and group.state is GroupState.STARTED
        return Step(node) if waits or stays else _adopt(node, group, group.revision)
    if _may_let_go(node, group):
        return moves.stop(node, group, now, leave=_left_running(node, group))
    return Step(node)


def _is_let_go(group: Group, revision: GroupDefinition) -> bool:
    """Whether nothing runs by the old definition that is not the same in the new one."""
    match group.state:
        case GroupState.STOPPED | GroupState.START_FAILED:
            return True
        case GroupState.STARTED:
            return revision.kept == len(group.resources)
        case GroupState.PARTIAL:
            return 0 < group.left_running <= revision.kept
        case _:
            return not group.resources  # a new one: there is no old definition


def _waits(node: Node, group: Group, revision: GroupDefinition) -> bool:
    """Whether another group must first let go of a resource that this one is to have."""
    coming = set(revision.resources[revision.kept :])
    return any(
        other.name != group.name
        and other.is_changing
        and other.state.is_held
        and not coming.isdisjoint(resource.text for resource in other.resources)
        for other in node.groups
    )


def _may_let_go(node: Node, group: Group) -> bool:
    """In maintenance what runs goes on; what is being started or stopped comes to its end first."""
    at_rest = group.state in (GroupState.STARTED, GroupState.PARTIAL)
    return at_rest and node.phase is Phase.ACTIVE and not node.maintenance


def _left_running(node: Node, group: Group) -> int:
    """How many resources, from the left, may run on meanwhile."""
    if group.revision is None or not node.owns(group) or group.giving:
        return 0
    is_whole = group.state is GroupState.STARTED
    return group.revision.kept if is_whole or group.left_running > group.revision.kept else 0


def _adopt(node: Node, group: Group, revision: GroupDefinition) -> Step:
    """From now on the group is what the files say; what is true of that is to be seen."""
    kept = group.resources[: revision.kept]
    adopted = replace(
        group,
        resources=(*kept, *(Resource(text) for text in revision.resources[revision.kept :])),
        definition=group.definition + 1,
        revision=None,
        left_running=0,
        state=GroupState.UNKNOWN,
        failure="",
        start_failed=False,
        retry_at=None,
        revived_at=None,
        is_disk_known=False,
    )
    return Step(node.with_group(adopted), (ReviseGroup(group.name, adopted.definition),))


def _forget(node: Node, group: Group) -> Step:
    groups = tuple(other for other in node.groups if other.name != group.name)
    return Step(replace(node, groups=groups), (ForgetGroup(group.name),))
