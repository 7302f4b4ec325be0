"""`make bench`: gaps as medians of several runs, and the daemon's own cost; exit 1 over a limit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.lab.bench import cost, gaps, heartbeats
from tests.lab.bench.floor import floor
from tests.lab.demo.package import built_package
from tests.lab.demo.step import losses
from tests.lab.demo.story import Story
from tests.lab.harness.client.control import STREAMS
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, say
from tests.lab.harness.image import SUITES
from tests.lab.harness.program import main_program


async def bench(suite: str, package: Path, runs: int) -> int:
    """Measure the floor, then everything on one cluster; 0 if every limit is kept."""
    by_hand = await floor(suite, runs)
    async with Lab(suite=suite, package=package, purpose="bench") as lab:
        story = Story(lab)
        if (started := await story.start()).deviations:
            raise LabError(f"the cluster did not start: {started.deviations}")
        rows = await gaps.play(story, runs)
        verdicts = {name: await lab.client.streams[name].verify() for name in STREAMS}
        lost = losses([started, *rows], lab, verdicts)
        for line in lost:
            say(line)
        figures = await cost.costs(lab)
    measured = gaps.measured(rows)
    figures.append(cost.Figure("heartbeats per CPU second", heartbeats.per_cpu_second(), ""))
    print(f"\n{suite}, client gaps in seconds:\n\n{gaps.report(measured)}\n")
    print(f"moved by hand, no cluster software: SMB {gaps.spread(by_hand)} s\n")
    print(f"{cost.report(figures)}\n")
    misses = [title for title, one in measured.items() if one.misses_limit]
    misses += [figure.name for figure in figures if figure.is_over]
    misses += [text for one in measured.values() for text in one.deviations]
    misses += lost
    for miss in misses:
        say(f"MISSES: {miss}")
    return 1 if misses else 0


def main() -> int:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--package", type=Path, help="the .deb to install (default: build/)")
    options = parser.parse_args()
    return main_program(bench(options.suite, built_package(options.package), options.runs))


if __name__ == "__main__":
    sys.exit(main())
