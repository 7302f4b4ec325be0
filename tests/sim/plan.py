"""A life with few faults, each planned beforehand: one can be left out, and the others stay.

That is how the fault that matters is found: leave out one after another while two writers remain.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hbd.cluster.event import PeerConfirmedDown
from hbd.cluster.terms import MILLISECOND, SECOND, AutoFailback, GroupName, LinkName, NodeName
from tests.sim.faults import Faults
from tests.sim.host import Host
from tests.sim.world import DISK, MAIL, A, B, Fencing, TwoWriters, World

SETTLED = 8 * SECOND  # both serve what is theirs by then
SPAN = 10 * SECOND  # in which the faults begin
SHORTEST, LONGEST = 10 * SECOND, 60 * SECOND  # a fault lasts
AFTERWARDS = 40 * SECOND  # enough for initdead, and for a stop that failed to be tried again
ON_A_LINK = ("cut_cable", "cut_both_ways", "spoil_cable")
SUBJECTS: dict[str, tuple[str, ...]] = {
    "LAN": ("cut_lan",),
    "daemon": ("stay_away", "stay_away", "kill_daemon"),
    "stop": ("leave", "leave", "fail_for_good", "takeover", "standby", "reload"),
    "stuck": ("break_stop", "break_stop", "hang"),
    "word": ("confirm_wrongly",),
    "power": ("lose_all_power", "lose_all_power", "cut_power", "switch_off"),
    "operator": ("maintain", "clear_failure"),
}
ALONE = ("pause",)  # enough by itself: more would only hide what else is
ANYWHERE = ("LAN", "word", "operator")  # not of the machine that the rest befalls
HOMES: tuple[dict[GroupName, NodeName], ...] = ({DISK: A}, {DISK: A, MAIL: B}, {DISK: A, MAIL: A})


@dataclass(frozen=True)
class Fault:
    """One fault to come: its kind is a method of `PlannedFaults`, its dice are its own."""

    at: int  # µs after both have started
    kind: str
    host: NodeName
    link: LinkName | None
    seed: int


@dataclass(frozen=True)
class Plan:
    """One life."""

    seed: int
    has_ping: bool
    faults: tuple[Fault, ...]

    def without(self, fault: Fault) -> Plan:
        """The same life, spared one fault."""
        left = tuple(each for each in self.faults if each is not fault)
        return Plan(self.seed, self.has_ping, left)


class PlannedFaults(Faults):
    """All that a seed can bring, and what only an unprotected cluster can suffer from."""

    def strike_as_planned(self, fault: Fault, host: Host) -> None:
        """Let it happen, if it can."""
        self.random = Random(fault.seed)
        strike = getattr(self, fault.kind)
        what = strike(host) if fault.link is None else strike(host, fault.link)
        if what:
            self.count += 1
            self.world.say(f"{'fault':8} {host.name} {what}")

    def stay_away(self, host: Host) -> str:
        """SIGKILL, and no restart for long."""
        if host.paused or host.node is None:
            return ""
        host.kill_daemon()
        self._restart_later(host, 20 * SECOND, LONGEST)
        return "daemon killed, and not started again"

    def fail_for_good(self, host: Host) -> str:
        """A resource dies, and will not start again."""
        return self.lose_resource(host) and f"{self.break_start(host)}, and has lost it"

    def lose_all_power(self, _host: Host) -> str:
        """The power of both fails and returns in one moment."""
        returns = self.random.randrange(SECOND, 10 * SECOND)
        for each in self.world.hosts:
            if each.powered:
                each.cut_power()
            again = returns + self.random.randrange(100 * MILLISECOND)
            self._restart_later(each, again, again + 1)
        return "and the other lose power"

    def confirm_wrongly(self, host: Host) -> str:
        """An operator says, as soon as it is believed, that the other is off; it is not."""
        if host.node is None or host.paused:
            return ""
        life = host.life

        def confirm() -> None:
            if host.life != life or host.node is None:
                return
            if not host.paused:
                host.post(PeerConfirmedDown(self._next_job()))
            self.world.after(3 * SECOND, confirm)

        self.world.after(self.random.randrange(3 * SECOND), confirm)
        return f"is told that {self.world.other(host).name} is off, which is not true"


def plan_of(seed: int) -> Plan:
    """A few faults that befall one machine, and in most lives every link to it."""
    dice = Random(f"plan {seed}")
    homes = HOMES[seed % len(HOMES)]
    struck = dice.choice(tuple(homes.values()))
    chosen: list[tuple[str, NodeName, LinkName | None]] = []
    if dice.random() < 0.8:
        kinds = dice.choice((*((kind, kind) for kind in ON_A_LINK), dice.choices(ON_A_LINK, k=2)))
        chosen += [(kind, struck, link) for kind, link in zip(kinds, World().links, strict=True)]
    if dice.random() < 0.1:
        chosen.append((dice.choice(ALONE), struck, None))
    for subject in dice.sample(tuple(SUBJECTS), k=dice.choice((1, 2, 2, 3))):
        host = dice.choice((A, B)) if subject in ANYWHERE else struck
        chosen.append((dice.choice(SUBJECTS[subject]), host, None))
    faults = (
        Fault(
            at=dice.randrange(SECOND if link is not None else SPAN),
            kind=kind,
            host=host,
            link=link,
            seed=dice.randrange(2**32),
        )
        for kind, host, link in chosen
    )
    return Plan(seed, seed // 3 % 2 == 0, tuple(sorted(faults, key=lambda fault: fault.at)))


def live(plan: Plan, seed: int) -> TwoWriters | None:
    """One life as planned, where nothing protects; whether it came to two writers.

    `seed` is of the world's dice: how long messages and starts take.
    """
    world = World(
        seed,
        homes=dict(HOMES[plan.seed % len(HOMES)]),
        auto_failback=tuple(AutoFailback)[plan.seed // 3 % 3],
        fencing=Fencing.NONE,
        has_ping=plan.has_ping,
        is_strict=True,
    )
    faults = PlannedFaults(world, shortest=SHORTEST, longest=LONGEST)
    world.a.start_daemon()
    world.after(world.random.randrange(5 * SECOND), world.b.start_daemon)
    for fault in plan.faults:
        host = world.a if fault.host == A else world.b

        def strike(fault: Fault = fault, host: Host = host) -> None:
            faults.strike_as_planned(fault, host)

        world.after(SETTLED + fault.at, strike)
    try:
        world.run_for(SETTLED + SPAN + AFTERWARDS)
    except TwoWriters as found:
        return found
    return None


def shrink(plan: Plan, tries: int = 3) -> Plan | None:
    """The faults without any of which there are no two writers; None if there never were.

    Each is left out in `tries` worlds that differ in their dice alone: chance is no innocence.
    """
    if live(plan, plan.seed) is None:
        return None
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for fault in plan.faults:
            rest = plan.without(fault)
            if any(live(rest, plan.seed + number) for number in range(tries)):
                plan, is_smaller = rest, True
                break
    return plan
