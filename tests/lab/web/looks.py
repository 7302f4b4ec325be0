"""What is measured of a page and kept of its looks: screenshots, paint times, faults of access."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.harness.host import LabError
from tests.lab.web.part import Document

TOP = Path(__file__).parents[3]
SCREENSHOTS = TOP / "out/screenshots"
AXE = TOP / "cockpit/node_modules/axe-core/axe.min.js"

# What of it is there, and when, in ms since the document's address was asked for; null: not yet.
_PAINTED = """
(() => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    return paint && document.querySelector(%s) ? [paint.startTime, performance.now()] : null;
})()
"""
# What fades or slides comes to its end; what turns for ever is not waited for.
_SETTLED = """
Promise.allSettled(document.getAnimations()
    .filter((each) => Number.isFinite(each.effect?.getComputedTiming().endTime))
    .map((each) => each.finished)).then(() => true)
"""
# What axe-core calls these is what keeps somebody from using the page.
GRAVE = ("serious", "critical")


@dataclass(frozen=True, slots=True)
class Paint:
    """Seconds since the document's address was asked for."""

    first: float  # until something of it was drawn
    content: float  # until the content looked for was in it


async def paint(page: Document, selector: str) -> Paint:
    """How soon the document that has just begun to load drew something, and had `selector`."""

    async def look() -> Paint | None:
        times = await page.evaluate(_PAINTED % json.dumps(selector))
        return times and Paint(times[0] / 1000, times[1] / 1000)

    return await page.tab.until(look, f"{selector}, drawn")


async def picture(page: Document, name: str) -> None:
    """Keep a screenshot of all of the page below out/screenshots, as if the window were so high."""
    await page.evaluate(_SETTLED)
    hidden = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
    window = page.tab.size
    await page.tab.resize(replace(window, height=window.height + int(hidden)))
    await page.tab.photograph(SCREENSHOTS / f"{name}.png")
    await page.tab.resize(window)


async def is_cut_off(page: Document) -> bool:
    """Whether one must scroll sideways to see all of it."""
    wide: bool = await page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


def axe_core() -> str:
    """The program that looks for faults, as it is locked beside the page's own parts."""
    if not AXE.is_file():
        raise LabError(f"no axe-core at {AXE}: `make cockpit` brings it")
    return AXE.read_text()


async def grave_faults(page: Document, axe: str) -> list[str]:
    """What axe-core finds in the document that is serious or critical: a line for each."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(f"{axe}\n;true")
    told = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((r) => JSON.stringify(r.violations))"
    )
    return [
        f"{node['impact']}: {fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in json.loads(told)
        for node in fault["nodes"]
        if node["impact"] in GRAVE
    ]
