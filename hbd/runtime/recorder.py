"""What changed, in the journal: each fact once, with fields, for people and programs.

Facts come from the difference of two beliefs (`cluster.change`) and from the requests and answers
that caused it; of what is tried again only what is new (`retries`). Levels: error = we
failed, warning = we go on with less, notice = a group or the peer changed, info = an operator's
doing, debug = every step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hbd.cluster.action import Action, FinishJob
from hbd.cluster.change import Change, Subject, changes
from hbd.cluster.event import (
    ClockTicked,
    DiskLost,
    DiskRead,
    Event,
    FailureCleared,
    HeartbeatHeard,
    LinkHeard,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceChanged,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.node import Node
from hbd.cluster.terms import (
    GroupName,
    GroupState,
    JobId,
    JobResult,
    LinkStatus,
    PeerStatus,
    Phase,
    ResourceState,
)
from hbd.journal import NOTICE, MessageId, fields
from hbd.runtime.retries import Retries, Telling

_ROUTINE = (ClockTicked, DiskRead, HeartbeatHeard, LinkHeard)

_PEER = {
    PeerStatus.ACTIVE.value: (NOTICE, MessageId.PEER_ACTIVE),
    PeerStatus.LATE.value: (logging.WARNING, MessageId.PEER_LATE),
    PeerStatus.LOST.value: (logging.WARNING, MessageId.PEER_LOST),
    PeerStatus.FENCED.value: (NOTICE, MessageId.PEER_FENCED),
    PeerStatus.LEFT.value: (NOTICE, MessageId.PEER_LEFT),
}
_GROUP = {
    GroupState.STARTED.value: (NOTICE, MessageId.GROUP_STARTED),
    GroupState.STOPPED.value: (NOTICE, MessageId.GROUP_STOPPED),
    GroupState.START_FAILED.value: (logging.ERROR, MessageId.START_FAILED),
    GroupState.STOP_FAILED.value: (logging.ERROR, MessageId.STOP_FAILED),
}
_NODE = {
    Phase.ACTIVE.value: (NOTICE, MessageId.STARTED),
    Phase.LEFT.value: (NOTICE, MessageId.LEFT),
}


class Recorder:
    """Writes down one step at a time."""

    def __init__(self, log: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
        self._log = log
        self._retries = Retries()
        self._write: dict[Subject, Callable[[Node, Change], None]] = {
            Subject.NODE: self._node,
            Subject.MAINTENANCE: self._maintenance,
            Subject.DRIFT: self._drift,
            Subject.STALL: self._stall,
            Subject.PEER: self._peer,
            Subject.LATE: self._late,
            Subject.LINK: self._link,
            Subject.DISK: self._disk,
            Subject.FENCE: self._fence,
            Subject.OWNER: self._owner,
            Subject.GROUP: self._group,
        }

    def record(self, before: Node, event: Event, after: Node, actions: tuple[Action, ...]) -> None:
        """Journal what this step was about, if it was about anything."""
        if not isinstance(event, _ROUTINE) or actions:
            self._log.debug("%s: %s", event, actions)
        self._cause(after, event)
        found = tuple(changes(before, after))
        for change in found:
            if change.subject is Subject.LATE and any(map(_ends_lateness, found)):
                continue  # the same gap, told with the peer's new status
            self._write[change.subject](after, change)
        for action in actions:
            if isinstance(action, FinishJob):
                self._finish(after, action)

    def _cause(self, node: Node, event: Event) -> None:
        match event:
            case TakeoverRequested() | StandbyRequested():
                verb = "takeover" if isinstance(event, TakeoverRequested) else "standby"
                what = ", ".join(event.groups) or event.scope.value
                self._request(node, event.job, verb, f"of {what}", event.requested_by)
            case MaintenanceSet():
                word = "on" if event.on else "off"
                self._request(node, event.job, "maintenance", word, event.requested_by)
            case FailureCleared():
                self._retries.begin_anew(event.groups)
                what = ", ".join(event.groups) or "all groups"
                self._request(node, event.job, "clear-failure", f"of {what}", event.requested_by)
            case PeerConfirmedDown():
                self._log.warning(
                    "%s says that %s is off",
                    event.requested_by or "An operator",
                    node.peer.name,
                    extra=fields(
                        MessageId.PEER_CONFIRMED_DOWN,
                        node=node.name,
                        peer=node.peer.name,
                        job=event.job,
                        verb="confirm-peer-down",
                    ),
                )
            case ResourceChanged() if self._retries.is_news(event):
                level = logging.WARNING if event.state is ResourceState.FAILED else logging.INFO
                self._log.log(
                    level,
                    "Resource %s of group %s is %s%s",
                    event.resource,
                    event.group,
                    event.state.value,
                    f": {event.why}" if event.why else "",
                    extra=fields(
                        group=event.group, resource=event.resource, state=event.state.value
                    ),
                )
            case ResourceLost():
                group = node.group(event.group)
                state = "unknown here" if group is None else group.state.value
                self._log.warning(
                    "Resource '%s' of group %s is gone: %s; the group is %s now",
                    event.resource,
                    event.group,
                    event.why,
                    state,
                    extra=fields(
                        MessageId.RESOURCE_LOST, group=event.group, resource=event.resource
                    ),
                )
            case DiskLost():
                self._log.error(
                    "Group %s: %s; stopping it here",
                    event.group,
                    event.why,
                    extra=fields(MessageId.DISK_LOST, node=node.name, group=event.group),
                )
            case _:
                pass

    def _request(self, node: Node, job: JobId, verb: str, what: str, by: str) -> None:
        self._log.info(
            "Asked for %s %s by %s",
            verb,
            what,
            by or "the system",
            extra=fields(MessageId.REQUESTED, node=node.name, job=job, verb=verb),
        )

    def _maintenance(self, _node: Node, change: Change) -> None:
        if change.now == "on":
            self._log.warning(
                "%s is in maintenance: it moves nothing, and nothing is taken over from it",
                change.name,
                extra=fields(MessageId.MAINTENANCE_BEGUN, node=change.name),
            )
        else:
            self._log.log(
                NOTICE,
                "%s is no longer in maintenance",
                change.name,
                extra=fields(MessageId.MAINTENANCE_ENDED, node=change.name),
            )

    def _drift(self, _node: Node, change: Change) -> None:
        if change.now:
            self._log.warning(
                "%s on %s and here mean different things; `hbctl check` says more",
                " and ".join(change.now.split()),
                change.name,
                extra=fields(MessageId.CONFIG_DRIFT, peer=change.name, files=change.now),
            )
        else:
            self._log.log(
                NOTICE,
                "The files of %s and of this node mean the same again",
                change.name,
                extra=fields(MessageId.CONFIG_EQUAL, peer=change.name),
            )

    def _node(self, node: Node, change: Change) -> None:
        level, message_id = _NODE.get(change.now, (logging.INFO, None))
        self._log.log(
            level,
            "This node is %s",
            change.now,
            extra=fields(message_id, node=node.name, phase=change.now),
        )

    def _stall(self, node: Node, change: Change) -> None:
        self._log.warning(
            "This node did not listen for %.1f s (overload or suspend): "
            "what it concluded about %s is void, observing anew",
            change.usec / 1e6,
            node.peer.name,
            extra=fields(MessageId.STALLED, node=node.name, usec=change.usec),
        )

    def _peer(self, node: Node, change: Change) -> None:
        if change.now not in _PEER:
            self._log.info("Peer %s: %s", change.name, change.now, extra=fields(peer=change.name))
            return
        level, message_id = _PEER[change.now]
        extra = fields(
            message_id, peer=change.name, status=change.now, usec=change.usec, was=change.was
        )
        text = f"Peer {change.name} is {change.now} (was {change.was}"
        text += f", silent for {change.usec / 1e6:.1f} s)" if change.usec else ")"
        self._log.log(level, "%s", text, extra=extra)
        if change.now == PeerStatus.FENCED.value and not node.peer.proven:
            self._log.warning(
                "Taking over from %s unprotected: nothing proves that it is off. Silence on every "
                "link for deadtime is all there is, as ha.cf has it",
                change.name,
                extra=fields(MessageId.UNPROTECTED, peer=change.name, protection="none"),
            )

    def _fence(self, node: Node, change: Change) -> None:
        self._log.error(
            "%s is lost but not fenced: %s. Its groups stay where they are",
            change.name,
            change.why,
            extra=fields(MessageId.FENCE_WAITS, node=node.name, peer=change.name),
        )

    def _disk(self, node: Node, change: Change) -> None:
        if not node.is_peer_only_on_disk:
            return
        self._log.error(
            "Every link to %s is cut, but it is alive on the shared disk: nothing moves",
            change.name,
            extra=fields(MessageId.PEER_ON_DISK, node=node.name, peer=change.name),
        )

    def _late(self, node: Node, change: Change) -> None:
        self._log.warning(
            "Late heartbeat from %s: %.2f s since the last one, warntime is %.2f s",
            change.name,
            change.usec / 1e6,
            node.timing.warntime_usec / 1e6,
            extra=fields(MessageId.PEER_LATE, peer=change.name, usec=change.usec),
        )

    def _link(self, node: Node, change: Change) -> None:
        is_up = change.now == LinkStatus.UP.value
        level = NOTICE if is_up else logging.WARNING
        if not is_up and node.peer.status is PeerStatus.LEFT and _leads_to_peer(node, change.name):
            level = logging.INFO  # it said goodbye: nobody is at the other end
        self._log.log(
            level,
            "Link %s is %s",
            change.name,
            change.now,
            extra=fields(
                MessageId.LINK_UP if is_up else MessageId.LINK_DEAD,
                link=change.name,
                peer=node.peer.name,
            ),
        )

    def _owner(self, _node: Node, change: Change) -> None:
        self._log.log(
            NOTICE,
            "Group %s belongs to %s now",
            change.name,
            change.now,
            extra=fields(MessageId.OWNER_CHANGED, group=change.name, owner=change.now),
        )

    def _group(self, node: Node, change: Change) -> None:
        group = node.group(GroupName(change.name))
        is_tried_again = group is not None and group.retry_due is not None
        telling = self._retries.telling(change, node.stepped_at, is_tried_again=is_tried_again)
        if telling is Telling.IN_FULL:
            self._group_in_full(node, change)
        elif telling is Telling.STILL:
            self._group_still(node, change)

    def _group_still(self, node: Node, change: Change) -> None:
        retry = self._retries.of(change.name)
        lasted = node.stepped_at - retry.since
        self._log.error(
            "Group %s: still %s after %.0f s and %d tries: %s",
            change.name,
            change.now,
            lasted / 1e6,
            retry.tries,
            change.why,
            extra=fields(
                _GROUP[change.now][1],
                node=node.name,
                group=change.name,
                state=change.now,
                usec=lasted,
                tries=retry.tries,
            ),
        )

    def _group_in_full(self, node: Node, change: Change) -> None:
        level, message_id = _GROUP.get(change.now, (logging.INFO, None))
        extra = fields(message_id, node=node.name, group=change.name, state=change.now)
        if change.why and level >= logging.ERROR:
            self._log.log(level, "Group %s: %s: %s", change.name, change.now, change.why,
                          extra=extra)  # fmt: skip
        else:
            self._log.log(level, "Group %s is %s", change.name, change.now, extra=extra)

    def _finish(self, node: Node, action: FinishJob) -> None:
        level = logging.INFO if action.result is JobResult.DONE else logging.WARNING
        self._log.log(
            level,
            "Job %d: %s%s",
            action.job,
            action.result.value,
            f": {action.why}" if action.why else "",
            extra=fields(MessageId.JOB_FINISHED, node=node.name, job=action.job),
        )


def _ends_lateness(change: Change) -> bool:
    """The peer is active again, told with how long it had been silent."""
    return (
        change.subject is Subject.PEER
        and change.was == PeerStatus.LATE.value
        and change.now == PeerStatus.ACTIVE.value
    )


def _leads_to_peer(node: Node, name: str) -> bool:
    return any(link.leads_to_peer for link in node.links if link.name == name)
