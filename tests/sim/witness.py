"""Watches a world's nodes as the runtime's chronicle does: tells transitions, remembers steps."""

from __future__ import annotations

from collections import defaultdict

from hbd.cluster.event import Event
from hbd.cluster.node import Node, Step
from hbd.story.recording import Numbered
from hbd.story.taken import Taken
from hbd.story.teller import Story, tell
from hbd.story.transition import Transition
from tests.sim.world import World

Life = tuple[str, int]  # a node, and the life of its daemon


class Witness:
    """What was told and taken, by the lives of the daemons."""

    def __init__(self, world: World) -> None:
        self.stories: defaultdict[Life, Story] = defaultdict(Story)
        self.begun: list[Transition] = []
        self.ended: list[Transition] = []
        self.steps: defaultdict[Life, list[Numbered]] = defaultdict(list)
        world.heeders.append(self._heed)

    def of(self, node: str) -> list[Transition]:
        """What has ended on a node, in order."""
        return [each for each in self.ended if each.node == node]

    def _heed(self, before: Node, event: Event, decided: Step) -> None:
        life = (before.name, before.generation)
        taken = Taken(before, event, decided.node, decided.actions)
        told = tell(self.stories[life], taken)
        self.stories[life] = told.story
        self.begun += told.begun
        self.ended += told.ended
        self.steps[life].append(Numbered(len(self.steps[life]) + 1, taken))
