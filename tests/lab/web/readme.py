"""The README's picture of the Cockpit page, taken anew: `make screenshot`.

The cluster is the article's, with management boards, so that it is protected; its group has been
away once and is at home again.
"""

from __future__ import annotations

import asyncio
import sys

from tests.lab.harness import files
from tests.lab.harness.host import LabError, say
from tests.lab.harness.program import main_program
from tests.lab.story.setup import Setup, lay_down, new_lab
from tests.lab.story.story import at_rest
from tests.lab.test_stonith import STONITH_HOSTS
from tests.lab.web import cockpit, looks
from tests.lab.web.chromium import Chromium
from tests.lab.web.tab import Size

PICTURE = looks.TOP / "doc/cockpit.png"
LARGEST = 150_000  # bytes: it is fetched by everybody who reads the README
WINDOW = Size(1280, 772)  # all of the cluster, nothing that is cut through
SETUP = Setup(
    ha_cf=files.HA_CF + STONITH_HOSTS,
    has_boards=True,
    flavour=cockpit.WEB,
    packages=("cockpit-hbd",),
)


async def take() -> None:
    """Boot a cluster, move its group there and back, and photograph the page at its home."""
    lab = new_lab(SETUP)
    async with lab:
        lay_down(lab, SETUP)
        await lab.boot()
        await at_rest(lab)
        home, away = lab.nodes
        for node in (away, home):
            await node.run(["hbctl", "takeover"])
        await at_rest(lab)
        async with Chromium(lab) as browser:
            page = await cockpit.open_page(await browser.tab(WINDOW), home, "alice")
            await page.gone("button", "Checking …")
            await page.tab.photograph(PICTURE)
    size = await asyncio.to_thread(lambda: PICTURE.stat().st_size)
    say(f"{PICTURE.relative_to(looks.TOP)} has {size} bytes")
    if size > LARGEST:
        raise LabError(f"{PICTURE} has more than {LARGEST} bytes")


if __name__ == "__main__":
    sys.exit(main_program(take()))
