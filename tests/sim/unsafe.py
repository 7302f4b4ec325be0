"""What leads to two writers where nothing protects, found and not thought out: `make sim-unsafe`.

Planned lives are lived with `fencing none`; where both machines come to run a group, the plan is
shrunk until each fault that is left is needed. The faults that are one in kind are one word here,
and a combination that contains an unsafe one is unsafe, too, and no news. hbd-fencing(7) lists the
same combinations in the same words.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.sim.plan import ALONE, ON_A_LINK, SUBJECTS, Plan, plan_of, shrink

Combination = frozenset[str]

WORDS: dict[str, str] = {
    **dict.fromkeys(ON_A_LINK, "links"),
    **{kind: subject for subject, kinds in SUBJECTS.items() for kind in kinds},
    **{kind: kind for kind in ALONE},
}


@dataclass
class Found:
    """What a number of lives came to."""

    lives: int = 0
    with_two: int = 0
    plans: defaultdict[Combination, list[Plan]] = field(default_factory=lambda: defaultdict(list))

    @property
    def smallest(self) -> dict[Combination, list[Plan]]:
        """The combinations that contain no other one, with the lives that ended by them."""
        return {
            each: plans
            for each, plans in sorted(self.plans.items(), key=lambda item: name_of(item[0]))
            if not any(other < each for other in self.plans)
        }


def combination_of(plan: Plan) -> Combination:
    """The words for what a shrunk plan needs."""
    return frozenset(WORDS[fault.kind] for fault in plan.faults)


def name_of(combination: Combination) -> str:
    """As hbd-fencing(7) writes it: `links + LAN`."""
    order = list(dict.fromkeys(WORDS.values()))
    return " + ".join(sorted(combination, key=order.index))


def look(seeds: Iterable[int]) -> Found:
    """Live through these, and shrink each life that had two writers."""
    found = Found()
    for seed in seeds:
        found.lives += 1
        shrunk = shrink(plan_of(seed))
        if shrunk is not None:
            found.with_two += 1
            found.plans[combination_of(shrunk)].append(shrunk)
    return found


def table(found: Found) -> str:
    """For people."""
    lines = [f"{'combination':24} {'lives':>5}  the faults of one of them"]
    for combination, plans in found.smallest.items():
        kinds = ", ".join(f"{fault.host} {fault.kind}" for fault in plans[0].faults)
        lines.append(f"{name_of(combination):24} {len(plans):5}  seed {plans[0].seed}: {kinds}")
    lines.append(f"{found.lives} lives with fencing none, {found.with_two} with two writers")
    return "\n".join(lines)


def main() -> int:
    """Print the table for SEEDS seeds from FIRST_SEED on."""
    first = int(os.environ.get("FIRST_SEED", "1"))
    count = int(os.environ.get("SEEDS", "300"))
    sys.stdout.write(table(look(range(first, first + count))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
