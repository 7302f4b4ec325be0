"""One story: begun with a cluster at rest, judged when it ends.

At rest means: both nodes active, all links up, every group where it prefers to be. The judgement of
every story: disk and shared address were at no moment on both nodes, and the journals warn of
nothing that the story did not expect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from hbd.cli.view import GroupView, StatusView
from hbd.cluster.terms import GroupState, LinkStatus, Phase
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now
from tests.lab.harness.journal import Entry
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing
from tests.lab.story import said
from tests.lab.story.signals import listening
from tests.lab.story.status import group, link, status

GROUP = files.SHARED_ADDRESS  # a group's name is its first resource
DEADTIME = files.DEADTIME
WITHIN = 20.0  # s for what takes well below 1 on a quiet machine
MOVED_WITHIN = DEADTIME + WITHIN  # s for what waits for deadtime first
REST_WITHIN = 40.0  # s: two starts, a failback, and a machine that is busy with other things


class Story:
    """`home` is the node that the group prefers, `away` the other one."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.watch = lab.watch
        self.home, self.away = lab.nodes
        self.began = self.page_began = now()
        self.undo = AsyncExitStack()  # what this story breaks and must mend at its end
        self._places: dict[str, str] = {}  # cursors: where the judgement begins to read
        self._page: dict[str, str] = {}  # cursors: where `heard` and `told` begin to read
        self._expected: set[tuple[str, str]] = set()
        self._may_overlap = False

    # --- its frame ------------------------------------------------------------------------------

    async def begin(self) -> None:
        """From here on everything counts."""
        self.began = now()
        await self.turn_page()
        self._places = dict(self._page)

    async def turn_page(self) -> None:
        """Hear and see only what comes from now on; the judgement is still on all of it."""
        self.page_began = now()
        for node in self.lab.nodes:
            if node.is_on:
                self._page[node.name] = await node.journal.cursor()

    async def judge(self) -> list[str]:
        """What happened that should not have."""
        wrong = []
        if not self._may_overlap:
            wrong += [
                f"{overlap.thing.value} was on both nodes for {overlap.until - overlap.since:.3f} s"
                for overlap in self.watch.overlaps(self.began)
            ]
        for node in self.lab.nodes:
            wrong += [
                f"{line.node} said, unexpected: {line.word}: {line.message}"
                for line in await said.warnings_since(node, self._places[node.name])
                if (line.node, line.word) not in self._expected
            ]
        return wrong

    def expects(self, *words: MessageId | str, on: Node | None = None) -> None:
        """These lines at warning or above belong to the story (on one node, or on both)."""
        for node in self.lab.nodes if on is None else [on]:
            for word in words:
                text = said.event(word) if isinstance(word, MessageId) else word
                self._expected.add((node.name, text))

    def splits_the_brain(self) -> None:
        """This story makes both nodes serve: an overlap is what it is about."""
        self._may_overlap = True

    # --- what the nodes say ---------------------------------------------------------------------

    async def heard(
        self,
        node: Node,
        event: MessageId,
        *fields: str,
        within: float = WITHIN,
        until: Callable[[Entry], bool] = lambda _: True,
    ) -> Entry:
        """The first line on this page of `node` with this event and these `FIELD=value`s."""
        return await node.journal.wait_for(
            f"HBD_EVENT={said.event(event)}", *fields,
            within=within, after=self._page[node.name], until=until,
        )  # fmt: skip

    def place(self, node: Node) -> str:
        """The journal's cursor where this page begins."""
        return self._page[node.name]

    async def told(self, node: Node, *matches: str) -> list[Entry]:
        """Every journal entry on this page that has all of `matches`."""
        place = f"--after-cursor={self._page[node.name]}"
        entries = await node.journal.entries(place)
        wanted = [match.split("=", 1) for match in matches]
        return [e for e in entries if all(e.get(name) == value for name, value in wanted)]

    async def events(self, node: Node) -> list[str]:
        """hbd's events on `node` on this page, in order."""
        entries = await self.told(node, "SYSLOG_IDENTIFIER=hbd")
        return [str(entry["HBD_EVENT"]) for entry in entries if "HBD_EVENT" in entry]

    async def until_status(
        self,
        node: Node,
        is_so: Callable[[StatusView], bool],
        what: str,
        within: float = WITHIN,
    ) -> StatusView:
        """Ask again at each of hbd's signals until `is_so`; LabError, naming `what`, too late."""
        deadline = now() + within
        async with listening(node) as signals:
            while True:
                view = await status(node)
                if view is not None and is_so(view):
                    return view
                try:
                    await signals.next(within=max(deadline - now(), 0.0))
                except LabError as error:
                    seen = "not on the bus" if view is None else f"{view.groups} {view.links}"
                    raise LabError(f"{node.name}: not {what} in time: {seen}") from error

    async def group_on(self, node: Node, name: str = GROUP) -> GroupView:
        """The group as `node` tells it now."""
        view = await status(node)
        assert view is not None, f"{node.name} is not on the bus"
        return group(view, name)

    async def link_on(self, node: Node, name: str, status_word: LinkStatus) -> None:
        """Wait until `node` has the link so."""
        await self.until_status(
            node,
            lambda view: link(view, name).status == status_word.value,
            f"link {name} {status_word.value}",
            within=MOVED_WITHIN,
        )

    async def link_counters(self, node: Node, name: str) -> dict[str, int]:
        """A link's counters, as `node` tells them now."""
        view = await status(node)
        assert view is not None, f"{node.name} is not on the bus"
        return dict(link(view, name).counters)

    async def until_counter(
        self, node: Node, name: str, counter: str, before: dict[str, int]
    ) -> None:
        """Wait until a link's counter on `node` has grown; counters give no signal of their own."""
        deadline = now() + WITHIN
        while (await self.link_counters(node, name))[counter] <= before[counter]:
            if now() > deadline:
                raise LabError(f"{node.name}: {counter} of {name} does not grow")

    def elapsed(self) -> float:
        """Seconds since this page began."""
        return now() - self.page_began

    # --- what the kernel says -------------------------------------------------------------------

    async def held_by(self, node: Node, *, within: float = WITHIN) -> None:
        """Wait until disk and address are on `node`, and there alone."""
        await self.watch.until(
            lambda: self.holders() == {node.name}, f"{node.name} alone holds the group", within
        )

    async def served_by(self, node: Node, *, within: float = WITHIN) -> None:
        """Wait until all of the group runs on `node`, by hbd's word and the kernel's."""
        await self.until_status(
            node,
            lambda view: group(view, GROUP).state == GroupState.STARTED.value,
            f"serving {GROUP}",
            within,
        )
        assert self._may_overlap or self.holders() == {node.name}

    def holders(self) -> set[str]:
        """Every node that has the disk or the address."""
        return {name for thing in Thing for name in self.watch.holders(thing)}

    async def nothing_moves(self, seconds: float) -> None:
        """Look on for so long; a change of disk or address ends it at once, and the test."""
        since = now()
        try:
            await self.watch.until(
                lambda: bool(self.watch.changes(since)), "something moved", seconds
            )
        except LabError:
            return
        raise AssertionError(f"something moved: {self.watch.changes(since)}")

    def moved(self) -> list[str]:
        """What disk and address did on this page, in order: `ttisrv1 -disk` …"""
        return [
            f"{change.node} {'+' if change.has else '-'}{change.thing.value}"
            for change in self.watch.changes(self.page_began)
        ]


async def at_rest(lab: Lab, within: float = REST_WITHIN) -> None:
    """Wait until the cluster is at rest; LabError, with what it is instead, after `within` s."""
    story = Story(lab)
    await asyncio.gather(
        *(story.until_status(node, is_at_rest, "at rest", within) for node in lab.nodes)
    )


def is_at_rest(view: StatusView) -> bool:
    """Both nodes active, all links up, every group at home."""
    active = Phase.ACTIVE.value
    return (
        view.phase == active
        and view.peer_status == active
        and not view.jobs
        and all(link.status == LinkStatus.UP.value for link in view.links)
        and all(_is_home(view, group) for group in view.groups)
    )


def _is_home(view: StatusView, group: GroupView) -> bool:
    here, there = group.state, group.peer_state
    if group.preferred != view.node:
        here, there = there, here
    return here == GroupState.STARTED.value and there == GroupState.STOPPED.value
