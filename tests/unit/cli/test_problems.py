"""What is wrong and the command that helps: each rule, and no consequence beside its cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hbd.cli.problems import Kind, Problem, Severity, problems
from hbd.cli.view import StatusView, status_view
from hbd.cluster.terms import PeerStatus
from tests.unit.cli.pictures import SHARE, objects

Objects = dict[str, dict[str, dict[str, object]]]
NODE, LINK, GROUP, RESOURCE, MANAGER = (
    f"org.hbd.Heartbeat1.{each}" for each in ("Node", "Link", "Group", "Resource", "Manager")
)
ROOT = "/org/hbd/Heartbeat1"
HERE, THERE = "ttisrv1", "ttisrv2"


def healthy() -> Objects:
    """Two active nodes, two good links, a group at home, a fence device."""
    changed = objects()
    changed["/l/2"][LINK] |= {"Status": "up", "Fault": ""}
    changed[ROOT][MANAGER]["Protection"] = "sbd"
    return changed


def told(change: Callable[[Objects], object]) -> list[Problem]:
    """The problems of the healthy picture after one change."""
    changed = healthy()
    change(changed)
    return problems(status_view(changed))


def with_peer(word: PeerStatus, *, proven: bool = False) -> StatusView:
    """The healthy picture with another opinion of the peer, and its links dead."""
    changed = healthy()
    changed["/n/2"][NODE] |= {"Status": word.value, "FenceProven": proven}
    changed[ROOT][MANAGER]["PeerStatus"] = word.value
    for path in ("/l/1", "/l/2"):
        changed[path][LINK]["Status"] = "dead"
    return status_view(changed)


def test_a_healthy_cluster_has_no_problem() -> None:
    """Goal: no cry without need. Method: nothing changed."""
    assert told(lambda _: None) == []


@pytest.mark.parametrize(
    ("change", "kind", "severity", "node", "command"),
    [
        (
            lambda o: o["/l/2"][LINK].update(Status="dead"),
            Kind.LINK_DEAD,
            Severity.ERROR,
            HERE,
            "stty -F /dev/ttyS0",
        ),
        (
            lambda o: o["/l/1"][LINK].update(Fault="No such device"),
            Kind.LINK_DEAD,
            Severity.ERROR,
            HERE,
            "ip -s link show eth1",
        ),
        (
            lambda o: o["/l/1"][LINK].update(
                Name="/dev/sda1", Status="dead", LeadsToPeer=False, Kind="disk"
            ),
            Kind.LINK_DEAD,
            Severity.ERROR,
            HERE,
            "blkid -p /dev/sda1",
        ),
        (
            lambda o: o["/l/1"][LINK].update(Status="dead", LeadsToPeer=False, Kind="ping"),
            Kind.LINK_DEAD,
            Severity.WARNING,
            HERE,
            "ping -c 3 eth1",
        ),
        (
            lambda o: o["/r/2"][RESOURCE].update(State="failed", Why="exit status 1"),
            Kind.RESOURCE_FAILED,
            Severity.ERROR,
            HERE,
            "systemctl status smbd.service",
        ),
        (
            lambda o: o["/g/1"][GROUP].update(State="start-failed", Failure="smb: no"),
            Kind.GROUP_FAILED,
            Severity.ERROR,
            HERE,
            f"hbctl clear-failure {SHARE}",
        ),
        (
            lambda o: o["/g/1"][GROUP].update(PeerState="stop-failed"),
            Kind.GROUP_FAILED,
            Severity.ERROR,
            THERE,
            f"hbctl clear-failure {SHARE}",
        ),
        (
            lambda o: o["/g/1"][GROUP].update(State="stopped"),
            Kind.GROUP_NOT_SERVED,
            Severity.ERROR,
            HERE,
            f"hbctl takeover --group {SHARE}",
        ),
        (
            lambda o: o["/g/1"][GROUP].update(Preferred=THERE),
            Kind.GROUP_NOT_AT_HOME,
            Severity.NOTICE,
            HERE,
            "hbctl failback",
        ),
        (
            lambda o: o["/n/1"][NODE].update(Maintenance=True),
            Kind.MAINTENANCE,
            Severity.WARNING,
            HERE,
            "hbctl maintenance off",
        ),
        (
            lambda o: o["/n/2"][NODE].update(Maintenance=True),
            Kind.MAINTENANCE,
            Severity.WARNING,
            THERE,
            "hbctl maintenance off",
        ),
        (
            lambda o: o[ROOT][MANAGER].update(Protection="none"),
            Kind.UNPROTECTED,
            Severity.WARNING,
            HERE,
            "man 7 hbd-fencing",
        ),
        (
            lambda o: o[ROOT][MANAGER].update(Phase="starting"),
            Kind.NODE_NOT_ACTIVE,
            Severity.NOTICE,
            HERE,
            "hbctl status --watch",
        ),
    ],
)
def test_each_problem_is_told_once_with_its_command(
    change: Callable[[Objects], object], kind: Kind, severity: Severity, node: str, command: str
) -> None:
    """Goal: it catches the eye and says what to do. Method: one change of a healthy picture."""
    [problem] = told(change)
    assert (problem.kind, problem.severity) == (kind, severity)
    assert (problem.node, problem.command) == (node, command)


@pytest.mark.parametrize(
    ("word", "proven", "kind", "node", "command"),
    [
        (PeerStatus.UNKNOWN, False, Kind.PEER_UNKNOWN, THERE, "systemctl start hbd"),
        (PeerStatus.LOST, False, Kind.PEER_LOST, HERE, f"hbctl confirm-peer-down {THERE}"),
        (PeerStatus.FENCED, False, Kind.PEER_FENCED, HERE, f"hbctl confirm-peer-down {THERE}"),
        (PeerStatus.FENCED, True, Kind.PEER_FENCED, THERE, "systemctl start hbd"),
        (PeerStatus.LEFT, False, Kind.PEER_LEFT, THERE, "systemctl start hbd"),
    ],
)
def test_an_absent_peer_is_one_problem_and_its_links_are_none(
    word: PeerStatus,
    proven: bool,
    kind: Kind,
    node: str,
    command: str,
) -> None:
    """Goal: the cause, not what follows from it. Method: each opinion, every link dead."""
    [problem] = problems(with_peer(word, proven=proven))
    assert (problem.kind, problem.node, problem.command) == (kind, node, command)
    assert THERE in problem.text


def test_a_stop_that_is_being_tried_again_is_no_failed_start() -> None:
    """Goal: nobody looks for the wrong thing. Method: stopping, with the reason of the last try."""

    def tried_again(o: Objects) -> None:
        o["/g/1"][GROUP].update(State="stopping", Failure="busy")

    [problem] = told(tried_again)
    assert problem.kind is Kind.GROUP_FAILED
    assert "busy" in problem.text
    assert "start" not in problem.text


def test_a_lost_peer_that_is_not_fenced_is_told_with_the_reason() -> None:
    """Goal: why nothing moves, in one place. Method: a lost peer, a reason, a disk that is dead."""
    view = with_peer(PeerStatus.LOST)
    disk = replace(view.links[0], name="/dev/sda1", kind="disk", leads_to_peer=False)
    view = replace(view, fence_failure="no answer from the board", links=(*view.links, disk))
    [problem] = problems(view)
    assert (problem.kind, problem.severity) == (Kind.FENCE_WAITS, Severity.ERROR)
    assert (problem.node, problem.command) == (HERE, f"hbctl confirm-peer-down {THERE}")
    assert "no answer from the board" in problem.text


def test_an_old_reason_is_told_of_nobody_who_is_heard() -> None:
    """Goal: no fencing of the living is proposed. Method: a reason beside an active peer."""
    view = replace(with_peer(PeerStatus.LATE), fence_failure="old")
    assert {each.kind for each in problems(view)} == {Kind.PEER_LATE, Kind.LINK_DEAD}


def test_a_late_peer_is_a_problem_beside_its_dead_links() -> None:
    """Goal: what is about to fail is seen. Method: late, and one of two links dead."""
    view = with_peer(PeerStatus.LATE)
    view = replace(view, links=(view.links[0], replace(view.links[1], status="up")))
    assert {each.kind for each in problems(view)} == {Kind.PEER_LATE, Kind.LINK_DEAD}


def test_a_group_away_while_its_home_is_gone_is_no_problem_of_its_own() -> None:
    """Goal: a failover is not an alarm twice. Method: the peer's group here, the peer gone."""
    view = with_peer(PeerStatus.LEFT)
    group = replace(view.groups[0], preferred=THERE)
    assert [each.kind for each in problems(replace(view, groups=(group,)))] == [Kind.PEER_LEFT]


def test_the_worst_comes_first() -> None:
    """Goal: a small window shows what matters. Method: one of each, in the other order."""

    def change(o: Objects) -> None:
        o["/g/1"][GROUP]["Preferred"] = THERE
        o["/n/1"][NODE]["Maintenance"] = True
        o["/r/2"][RESOURCE]["Why"] = "exit status 1"

    assert [each.severity for each in told(change)] == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.NOTICE,
    ]
