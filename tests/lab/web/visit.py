"""Visits to the page: who looks at it, what is kept of what they saw, and what may not be."""

from __future__ import annotations

from hbd.cluster.terms import JobResult
from tests.lab.harness.node import Node
from tests.lab.story.story import GROUP
from tests.lab.web import cockpit, looks
from tests.lab.web.chromium import Chromium
from tests.lab.web.part import Document, Part
from tests.lab.web.tab import DESK, SEEN_WITHIN, Size, Tab

REGIONS = ("Cluster", "Groups", "History", "Checks")


class Visit:
    """All that one story opens. `faults` is what was wrong with what was seen, if anything."""

    def __init__(self, browser: Chromium, story: str) -> None:
        self._browser = browser
        self._story = story
        self._axe = looks.axe_core()
        self._tabs: list[Tab] = []
        self.faults: list[str] = []

    async def tab(self, size: Size = DESK) -> Tab:
        """A tab that is closed when the visit ends."""
        tab = await self._browser.tab(size)
        self._tabs.append(tab)
        return tab

    async def page(self, node: Node, user: str = "alice", size: Size = DESK) -> Document:
        """The page of hbd on `node`, before `user`, who has just logged in."""
        return await cockpit.open_page(await self.tab(size), node, user)

    async def seen(self, page: Document, name: str) -> None:
        """Keep a picture of this state, and note what is wrong with it."""
        await looks.picture(page, name)
        self.faults += [f"{name}: {fault}" for fault in await looks.grave_faults(page, self._axe)]
        if await looks.is_cut_off(page):
            self.faults.append(f"{name}: it is wider than the window")

    async def end(self, *, is_well: bool) -> None:
        """Close everything; of a story that failed, keep what was on the screen."""
        for number, tab in enumerate(self._tabs):
            if not is_well:
                await tab.photograph(looks.SCREENSHOTS / f"failed-{self._story}-{number}.png")
            await tab.close()
            self.faults += [line for line in tab.complaints if cockpit.FOLDER in line]


async def serves(page: Document, node: Node, *, within: float = SEEN_WITHIN) -> None:
    """Wait until the page tells that `node` serves the group."""
    await page.part("group", GROUP)
    await page.says(f"served by {node.name}", within=within)


async def ask(page: Document, button: str) -> Part:
    """Press a button that asks back; returns the question."""
    await (await page.part("button", button)).click()
    return await page.part("dialog")


async def answer(page: Document, question: Part, button: str) -> None:
    """Press a button of the question, and see it go."""
    await (await page.part("button", button, inside=question)).click()
    await page.gone("dialog")


async def ended(page: Document, verb: str, result: JobResult) -> None:
    """Wait until the page has told how a request ended."""
    await page.says(f"{verb} {result.value}")
