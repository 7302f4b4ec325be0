"""heartbeat's commands: the words that existing scripts compare with."""

from __future__ import annotations

import pytest

from hbd.cli import heartbeat
from hbd.cli import heartbeat_view as words
from hbd.cli.heartbeat import Status
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.view import StatusView, status_view
from hbd.cluster.terms import GroupState, PeerStatus, Phase
from tests.unit.cli.pictures import MANAGER, objects

GROUP, LINK = "org.hbd.Heartbeat1.Group", "org.hbd.Heartbeat1.Link"
HERE, THERE = "ttisrv1", "ttisrv2"


def picture(
    *groups: tuple[str, str],
    peer: PeerStatus = PeerStatus.ACTIVE,
    phase: Phase = Phase.ACTIVE,
    ping: str = "up",
) -> StatusView:
    """A settled cluster with these groups (preferred node, state here) and a ping node."""
    changed = objects()
    [first] = [interfaces[GROUP] for interfaces in changed.values() if GROUP in interfaces]
    names = [f"/g/{number}" for number in range(len(groups))]
    for name, (preferred, state) in zip(names, groups, strict=True):
        changed[name] = {GROUP: {**first, "Preferred": preferred, "State": state}}
    changed["/l/3"] = {LINK: {**changed["/l/1"][LINK], "Name": "10.0.0.9", "Kind": "ping",
                              "LeadsToPeer": False, "Status": ping}}  # fmt: skip
    changed["/org/hbd/Heartbeat1"] = {
        "org.hbd.Heartbeat1.Manager": {
            **MANAGER,
            "Groups": names,
            "Links": ["/l/1", "/l/2", "/l/3"],
            "Jobs": [],
            "PeerStatus": peer.value,
            "Phase": phase.value,
        }
    }
    return status_view(changed)


STARTED, STOPPED = GroupState.STARTED.value, GroupState.STOPPED.value


@pytest.mark.parametrize(
    ("groups", "peer", "word"),
    [
        ([(HERE, STARTED)], PeerStatus.ACTIVE, "local"),
        ([(HERE, STARTED)], PeerStatus.LEFT, "all"),
        ([(HERE, STARTED)], PeerStatus.FENCED, "all"),
        ([(HERE, STARTED)], PeerStatus.LOST, "local"),
        ([(HERE, STOPPED)], PeerStatus.ACTIVE, "none"),
        ([(THERE, STARTED)], PeerStatus.FENCED, "all"),
        ([(THERE, STOPPED)], PeerStatus.ACTIVE, "none"),
        ([(HERE, STARTED), (THERE, STOPPED)], PeerStatus.ACTIVE, "local"),
        ([(HERE, STOPPED), (THERE, STARTED)], PeerStatus.ACTIVE, "foreign"),
        ([(HERE, STARTED), (THERE, STARTED)], PeerStatus.ACTIVE, "all"),
        ([(HERE, STARTED), (HERE, STOPPED)], PeerStatus.ACTIVE, "none"),
        ([(HERE, STARTED), (HERE, "start-failed")], PeerStatus.ACTIVE, "none"),
        ([], PeerStatus.ACTIVE, "none"),
    ],
)
def test_what_is_held_is_one_of_heartbeats_four_words(
    groups: list[tuple[str, str]], peer: PeerStatus, word: str
) -> None:
    """Goal: a script never reads more than is served. Method: who prefers and who serves what."""
    assert words.resources(picture(*groups, peer=peer)) == word


@pytest.mark.parametrize(
    "view",
    [
        picture((HERE, "starting")),
        picture((HERE, STARTED), (THERE, "stopping")),
        picture((HERE, "stop-failed")),
        picture((HERE, STARTED), phase=Phase.LEAVING),
        picture((HERE, STOPPED), peer=PeerStatus.UNKNOWN),
        status_view(objects()),  # with a job under way
    ],
)
def test_nothing_is_said_to_be_held_while_it_changes(view: StatusView) -> None:
    """Goal: scripts that wait for the end do wait. Method: each reason by itself."""
    assert words.resources(view) == "transition"


@pytest.mark.parametrize(
    ("peer", "word", "status"),
    [
        (PeerStatus.UNKNOWN, "init", Status.DOWN),
        (PeerStatus.ACTIVE, "active", Status.OK),
        (PeerStatus.LATE, "active", Status.OK),
        (PeerStatus.LOST, "dead", Status.DOWN),
        (PeerStatus.FENCED, "dead", Status.DOWN),
        (PeerStatus.LEFT, "dead", Status.DOWN),
    ],
)
def test_the_peer_has_heartbeats_status(
    peer: PeerStatus,
    word: str,
    status: Status,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: `nodestatus` and its exit status. Method: every belief."""
    assert asked(monkeypatch, picture(peer=peer), "nodestatus", THERE) == status
    assert capsys.readouterr().out == f"{word}\n"


def asked(monkeypatch: pytest.MonkeyPatch, view: StatusView | Trouble, *arguments: str) -> int:
    """cl_status's exit status when hbd shows this picture, or cannot be asked."""

    async def shown() -> StatusView:
        if isinstance(view, Trouble):
            raise view
        return view

    monkeypatch.setattr(heartbeat, "_picture", shown)
    return heartbeat.cl_status(arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "out"),
    [
        ("hbstatus", Status.OK, "Heartbeat is running on this machine.\n"),
        ("listnodes", Status.OK, "ttisrv1\nttisrv2\n10.0.0.9\n"),
        ("listnodes -n", Status.OK, "ttisrv1\nttisrv2\n"),
        ("listnodes -p", Status.OK, "10.0.0.9\n"),
        ("listnodes -n -p", Status.OK, "ttisrv1\nttisrv2\n10.0.0.9\n"),
        ("nodestatus ttisrv1", Status.OK, "active\n"),
        ("nodestatus 10.0.0.9", Status.OK, "ping\n"),
        ("nodestatus -m ttisrv2", Status.OK, "The cluster node ttisrv2 is active\n"),
        ("nodestatus nobody", Status.USAGE, ""),
        ("nodetype ttisrv2", Status.OK, "normal\n"),
        ("nodetype 10.0.0.9", Status.OK, "ping\n"),
        ("nodetype nobody", Status.USAGE, ""),
        ("listhblinks ttisrv2", Status.OK, "\teth1\n\t/dev/ttyS0\n"),
        ("listhblinks -v ttisrv2", Status.OK, "\teth1\tup\n\t/dev/ttyS0\tdead\n"),
        ("listhblinks 10.0.0.9", Status.OK, "\t10.0.0.9\n"),
        ("listhblinks nobody", Status.FAILED, ""),
        ("hblinkstatus ttisrv2 eth1", Status.OK, "up\n"),
        ("hblinkstatus ttisrv2 /dev/ttyS0", Status.DOWN, "dead\n"),
        ("hblinkstatus ttisrv1 eth1", Status.OK, "up\n"),
        ("hblinkstatus ttisrv2 eth9", Status.FAILED, ""),
        ("rscstatus", Status.OK, "local\n"),
        ("rscstatus -m", Status.OK, "This node is holding local resources.\n"),
        ("hbparameter -p deadtime", Status.OK, "5\n"),
        ("hbparameter -p warntime", Status.OK, "2500ms\n"),
        ("hbparameter -p auto_failback", Status.OK, "on\n"),
        ("hbparameter -p hbversion", Status.OK, "1.2.3\n"),
        ("hbparameter -p watchdog", Status.DOWN, ""),
    ],
)
def test_each_question_has_heartbeats_answer(
    arguments: str,
    status: Status,
    out: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: scripts that parse cl_status go on working. Method: exact output and exit status."""
    view = picture((HERE, STARTED), (THERE, STOPPED))
    assert asked(monkeypatch, view, *arguments.split()) == status
    told = capsys.readouterr()
    assert told.out == out
    assert bool(told.err) == (out == "")


def test_a_stopped_daemon_is_an_answer_to_one_question_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: monitoring tells stopped from stuck. Method: both troubles, two questions."""
    stopped, stuck = Trouble(Exit.NOT_RUNNING, "-"), Trouble(Exit.TIMEOUT, "-")
    assert asked(monkeypatch, stopped, "hbstatus") == Status.DOWN
    assert capsys.readouterr().out == "Heartbeat is stopped on this machine.\n"
    assert asked(monkeypatch, stopped, "rscstatus") == Status.DOWN
    assert capsys.readouterr().out == ""
    assert asked(monkeypatch, stuck, "hbstatus") == Status.TIMEOUT
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "arguments", [["explode"], ["nodestatus"], ["hblinkstatus", "a"], ["hbparameter"], ["-x"]]
)
def test_a_typing_error_has_heartbeats_status(arguments: list[str]) -> None:
    """Goal: 11 is a mistake of the script. Method: five of them."""
    with pytest.raises(SystemExit) as ended:
        heartbeat.cl_status(arguments)
    assert ended.value.code == Status.USAGE


def test_no_question_is_a_question_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Goal: as heartbeat's. Method: no argument at all."""
    assert heartbeat.cl_status([]) == Status.OK
    assert "rscstatus" in capsys.readouterr().out


def test_a_scope_that_is_none_moves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Goal: `hb_standby --now` is no standby of everything. Method: both commands."""
    for command in (heartbeat.hb_standby, heartbeat.hb_takeover):
        for arguments in (["everything"], ["--now"]):
            with pytest.raises(SystemExit) as ended:
                command(arguments)
            assert ended.value.code == 1
    assert capsys.readouterr().out == ""
