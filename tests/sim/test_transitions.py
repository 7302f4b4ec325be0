"""What the stories of the simulator are told as: causes, rules, results; and any life's bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.cluster.terms import SECOND
from hbd.story.stages import MAX_STAGES
from hbd.story.transition import Cause, Fencing, Phase, Result, Rule, StageResult, Transition
from tests.sim.faults import Faults
from tests.sim.play import Player
from tests.sim.test_faults import world_of
from tests.sim.witness import Witness
from tests.sim.world import Fencing as Device
from tests.sim.world import World

SCENARIOS = Path(__file__).parent / "scenarios"

Line = tuple[Cause, tuple[Rule, ...], Result]


def witnessed(name: str) -> Witness:
    """A story played, and what was told of it."""
    found: list[Witness] = []
    player = Player(lambda world: found.append(Witness(world)))
    player.play((SCENARIOS / f"{name}.txt").read_text())
    return found[0]


def lines(transitions: list[Transition]) -> list[Line]:
    """Cause, rules and result of each."""
    return [(each.cause, each.rules, each.result) for each in transitions]


START = (Cause.START, (Rule.START_OWN,), Result.STARTED)
LOST = (Cause.PEER_LOST, (Rule.FENCE_FIRST, Rule.ACQUIRE_UNPROTECTED), Result.MOVED)
HOME_AGAIN = (Cause.FAILBACK, (Rule.ADOPT_RECORD,), Result.MOVED)
GOES_HOME = (Cause.FAILBACK, (Rule.GO_HOME, Rule.GIVE), Result.MOVED)
GAVE = (Cause.PEER_GAVE, (Rule.ADOPT_RECORD,), Result.MOVED)
ASKED = (Cause.PEER_ASKED, (Rule.GIVE,), Result.MOVED)
TAKEOVER = (Cause.TAKEOVER, (Rule.ASK_OWNER, Rule.ADOPT_RECORD), Result.MOVED)

TOLD: dict[str, tuple[list[Line], list[Line]]] = {
    "primary-killed": ([START, HOME_AGAIN], [LOST, GOES_HOME]),
    "primary-killed-no-failback": ([START, TAKEOVER], [LOST, ASKED]),
    "clean-stop": (
        [START, (Cause.STOP, (Rule.LEAVE,), Result.MOVED), HOME_AGAIN],
        [(Cause.PEER_LEFT, (Rule.ACQUIRE_LEFT,), Result.MOVED), GOES_HOME],
    ),
    "standby-and-takeover": (
        [START, (Cause.STANDBY, (Rule.GIVE,), Result.MOVED), TAKEOVER, ASKED],
        [GAVE, ASKED, TAKEOVER],
    ),
    "resource-lost": (
        [
            START,
            (Cause.RESOURCE_LOST, (Rule.REVIVE_ONCE,), Result.STARTED),
            (Cause.RESOURCE_LOST, (Rule.FAIL_HERE, Rule.OFFER_PEER), Result.MOVED),
        ],
        [GAVE],
    ),
    "start-fails": (
        [(Cause.START, (Rule.START_OWN, Rule.FAIL_HERE, Rule.OFFER_PEER), Result.MOVED)],
        [(Cause.PEER_GAVE, (Rule.ADOPT_RECORD,), Result.MOVED)],
    ),
    "paused-long": ([START, (Cause.NEWER_RECORD, (Rule.ADOPT_RECORD,), Result.MOVED)], [LOST]),
    "one-cable-cut": ([START], []),
    "address-answers-after-the-disk-was-taken": (
        [
            START,
            (Cause.RESOURCE_LOST, (Rule.REVIVE_ONCE, Rule.FAIL_HERE), Result.FAILED),
            HOME_AGAIN,
        ],
        [
            (
                Cause.PEER_LOST,
                (Rule.FENCE_FIRST, Rule.ACQUIRE_PROVEN, Rule.FAIL_HERE),
                Result.MOVED,
            ),
            GOES_HOME,
        ],
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_story_is_told_by_its_causes_rules_and_results(name: str) -> None:
    """Goal: explain says what decided. Method: the administrator's stories, on both nodes."""
    witness = witnessed(name)
    assert (lines(witness.of("ttisrv1")), lines(witness.of("ttisrv2"))) == TOLD[name]


def test_who_did_its_part_of_a_move_is_not_told_as_having_given_up() -> None:
    """Goal: a good standby looks good. Method: the peer's stretch of moves asked for."""
    witness = witnessed("standby-and-takeover")
    asked = [
        each
        for node in ("ttisrv1", "ttisrv2")
        for each in witness.of(node)
        if each.cause in (Cause.STANDBY, Cause.TAKEOVER, Cause.PEER_ASKED)
    ]
    parts = {(stage.phase, stage.result) for each in asked for stage in each.stages}
    assert parts == {(Phase.PEER, StageResult.DONE)}


def test_a_lost_peers_transition_counts_from_its_last_sign_of_life() -> None:
    """Goal: what a client felt is not told too short. Method: power cut, figures of the move."""
    [lost, _] = witnessed("primary-killed").of("ttisrv2")
    detect, fence = (stage for stage in lost.stages if stage.phase in (Phase.DETECT, Phase.FENCE))
    assert detect.began_at == lost.began_at
    assert 5 * SECOND <= detect.usec < 5.1 * SECOND
    assert fence.result is StageResult.DONE
    assert lost.outage_usec == lost.usec > detect.usec + fence.usec
    assert {(each.subject, each.word) for each in lost.evidence} == {
        ("link", "dead"),
        ("peer", "lost"),
    }
    assert all(each.usec >= 5 * SECOND for each in lost.evidence)


def test_both_nodes_tell_one_move_by_the_same_epoch() -> None:
    """Goal: what two nodes tell can be joined. Method: the owner's change of a standby."""
    witness = witnessed("standby-and-takeover")
    given = next(each for each in witness.of("ttisrv1") if each.cause is Cause.STANDBY)
    taken = next(each for each in witness.of("ttisrv2") if each.cause is Cause.PEER_GAVE)
    assert [(move.group, move.epoch, move.target) for move in given.moves] == [
        (move.group, move.epoch, move.target) for move in taken.moves
    ]
    assert given.outage_usec > 0


def test_the_operators_word_is_proof_and_is_evidence() -> None:
    """Goal: who said so is kept. Method: a peer that could not stop, lost, then confirmed down."""
    witness = witnessed("stop-fails-then-confirmed-down")
    [confirmed] = witness.of("ttisrv2")
    assert (confirmed.cause, confirmed.fencing) == (Cause.PEER_LOST, Fencing.PROVEN)
    assert confirmed.rules == (Rule.FENCE_FIRST, Rule.ACQUIRE_PROVEN)
    assert "operator" in {each.subject for each in confirmed.evidence}


def test_a_power_switch_is_told_as_proof() -> None:
    """Goal: protected and unprotected differ. Method: all cables cut, with a fence device."""
    [lost] = [e for e in witnessed("all-cables-cut-fenced").ended if e.cause is Cause.PEER_LOST]
    assert (lost.fencing, lost.rules[-1]) == (Fencing.PROVEN, Rule.ACQUIRE_PROVEN)


def live(seed: int) -> tuple[World, Witness]:
    """A life of faults, and its end in calm."""
    world = world_of(seed, tuple(Device)[seed % 2])
    witness = Witness(world)
    world.a.start_daemon()
    world.after(world.random.randrange(15 * SECOND), world.b.start_daemon)
    world.run_for(20 * SECOND)
    faults = Faults(world)
    faults.rage(60 * SECOND)
    faults.calm()
    world.run_for(150 * SECOND)
    faults.retry_failed()
    world.run_for(30 * SECOND)
    faults.retry_failed()
    world.run_until(world.is_settled, within=400 * SECOND)
    world.run_for(10 * SECOND)
    return world, witness


@pytest.mark.parametrize("seed", range(1, 13))
def test_whatever_happens_every_transition_ends_once_and_adds_up(seed: int) -> None:
    """Goal: history can be relied on. Method: seeded faults, then every rule of a transition."""
    world, witness = live(seed)
    ids = [each.id for each in witness.begun]
    assert len(ids) == len(set(ids))
    for node in ("ttisrv1", "ttisrv2"):
        mine = [each.id for each in witness.begun if each.node == node]
        assert mine == sorted(mine), "an id sorts by time on its node"
    alive = {(h.name, h.node.generation): h.node for h in world.hosts if h.node is not None}
    for life in alive:
        assert witness.stories[life].running == (), "in calm nothing is under way"
    for each in witness.ended:
        assert each.result is not Result.RUNNING
        assert each.moves
        assert each.began_at <= (each.ended_at or 0)
        assert len(each.stages) <= MAX_STAGES
        assert StageResult.RUNNING not in {stage.result for stage in each.stages}
        assert all(each.began_at <= stage.began_at for stage in each.stages)
        assert all(stage.began_at + stage.usec <= (each.ended_at or 0) for stage in each.stages)
    assert witness.ended, "the seeds really moved something"
