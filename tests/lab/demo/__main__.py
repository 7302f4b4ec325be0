"""`make demo`: build, boot, break and heal the article's cluster; exit 1 if anything deviates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.lab.demo.package import built_package
from tests.lab.demo.step import Row, losses
from tests.lab.demo.story import Story
from tests.lab.demo.table import table
from tests.lab.harness.client.control import STREAMS, Verdict
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import say
from tests.lab.harness.image import SUITES
from tests.lab.harness.program import main_program

JOURNAL_LINES = 60  # of each node's hbd, shown when something deviates


async def demo(suite: str, package: Path) -> int:
    """Tell the story once; 0 if all was as expected."""
    say(f"two {suite} nodes with {package.name}; no step of this needs anything but this machine")
    async with Lab(suite=suite, package=package, purpose="demo") as lab:
        rows = await _play(Story(lab))
        verdicts = await _read_back(lab)
        deviations = [deviation for row in rows for deviation in row.deviations]
        deviations += losses(rows, lab, verdicts)
        if rows[0].deviations:
            say("the cluster did not start: the rest of the story is left out")
        else:
            deviations += await Story(lab).serial_cut_too()
        if deviations:
            await _show_journals(lab)
        print(f"\n{table(rows, verdicts)}\n")
        _conclude(lab, verdicts, deviations)
    return 1 if deviations else 0


async def _play(story: Story) -> list[Row]:
    """Every step up to the one that cuts the last link. A cluster that never started is left."""
    rows = [await story.start()]
    if rows[0].deviations:
        return rows
    steps = (
        story.stop_daemon,
        story.start_daemon,
        story.power_cut,
        story.power_back,
        story.stranger_asks,
        story.operator_takes,
        story.operator_gives,
        story.daemon_killed,
        story.crossover_pulled,
    )
    return rows + [await step() for step in steps]


async def _read_back(lab: Lab) -> dict[str, Verdict]:
    say("── the client reads back everything that was ever acknowledged")
    verdicts = {name: await lab.client.streams[name].verify() for name in STREAMS}
    for name, verdict in verdicts.items():
        say(f"   {name}: {verdict.records} records, {verdict.lost_bytes} bytes lost")
    return verdicts


def _conclude(lab: Lab, verdicts: dict[str, Verdict], deviations: list[str]) -> None:
    total = sum(verdict.records for verdict in verdicts.values())
    say(f"{total} records acknowledged; both nodes were looked at every 3 ms, never more than "
        f"{lab.watch.longest_pause * 1e3:.0f} ms apart")  # fmt: skip
    for deviation in deviations:
        say(f"DEVIATION: {deviation}")
    say(f"{len(deviations)} deviations" if deviations else "all as expected")


async def _show_journals(lab: Lab) -> None:
    for node in lab.nodes:
        if node.is_on:
            words = ["journalctl", "-b", "-u", "hbd", "-n", str(JOURNAL_LINES), "--no-pager"]
            print(f"\n{node.name}:\n{(await node.run(words, check=False)).out}")


def main() -> int:
    """Parse the arguments and tell the story."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.demo", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--package", type=Path, help="the .deb to install (default: build/)")
    options = parser.parse_args()
    return main_program(demo(options.suite, built_package(options.package)))


if __name__ == "__main__":
    sys.exit(main())
