"""Plays a story: lines beginning with `>` are what happens, the others what the nodes then believe.

    > groups disk=ttisrv1 mail=ttisrv2     (first, if at all)
    > failback off                         (also: fencing power|reservation|required, has-ping)
    > policy required                      (without any means of it)
    > start ttisrv1
    > run 20

A story is its own expectation: it is played, and the text that comes out must be the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hbd.cluster import terms
from hbd.cluster.event import (
    FailureCleared,
    LeaveRequested,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    GroupName,
    GroupState,
    JobId,
    NodeName,
    Scope,
    Usec,
)
from tests.sim.host import Host
from tests.sim.world import Cable, Fencing, World

LINKS = {"ethernet": 0, "serial": 1}


class Player:
    """Turns the words of a story into what happens in a world."""

    def __init__(self, heeded: Callable[[World], object] = lambda _world: None) -> None:
        """`heeded` is called with the world when it is made."""
        self._heeded = heeded
        self._homes: dict[GroupName, NodeName] | None = None
        self._failback = AutoFailback.ON
        self._fencing = Fencing.NONE
        self._has_ping = False
        self._world: World | None = None
        self._jobs = 0
        self._verbs: dict[str, Callable[..., None]] = {
            "groups": self._groups,
            "failback": self._set_failback,
            "fencing": self._set_fencing,
            "has-ping": self._set_has_ping,
            "policy": self._set_policy,
            "start": lambda name: self._host(name).start_daemon(),
            "kill-daemon": lambda name: self._host(name).kill_daemon(),
            "power-off": lambda name: self._host(name).cut_power(),
            "leave": lambda name: self._host(name).post(LeaveRequested()),
            "pause": self._pause,
            "resume": lambda name: self._host(name).resume(),
            "cut": self._cut,
            "mend": self._mend,
            "mute": self._mute,
            "cut-disk": lambda n, g: self._set_disk(n, g, is_cut=True),
            "mend-disk": lambda n, g: self._set_disk(n, g, is_cut=False),
            "lan-cut": lambda name: self._set_lan(name, is_cut=True),
            "lan-mend": lambda name: self._set_lan(name, is_cut=False),
            "takeover": self._takeover,
            "standby": self._standby,
            "maintenance": self._maintenance,
            "confirm-peer-down": self._confirm_peer_down,
            "clear-failure": self._clear_failure,
            "break-start": lambda n, g: self._host(n).resources.start_fails.add(GroupName(g)),
            "mend-start": lambda n, g: self._host(n).resources.start_fails.discard(GroupName(g)),
            "break-stop": lambda n, g: self._host(n).resources.stop_fails.add(GroupName(g)),
            "mend-stop": lambda n, g: self._host(n).resources.stop_fails.discard(GroupName(g)),
            "hang": lambda n, g: self._host(n).resources.hangs.add(GroupName(g)),
            "mend-hang": lambda n, g: self._host(n).resources.hangs.discard(GroupName(g)),
            "lose": self._lose,
            "reload": self._reload,
            "run": lambda seconds: self.world.run_for(int(float(seconds) * SECOND)),
        }

    @property
    def world(self) -> World:
        """The world, made when the story first needs it."""
        if self._world is None:
            self._world = World(
                1,
                homes=self._homes,
                auto_failback=self._failback,
                fencing=self._fencing,
                has_ping=self._has_ping,
            )
            self._heeded(self._world)
        return self._world

    def play(self, text: str) -> str:
        """The story as it comes out: comments and commands as they stand, each with its trace."""
        out: list[str] = []
        for line in text.splitlines():
            if line.startswith("#"):
                out.append(line)
            elif line.startswith("> "):
                verb, *arguments = line[2:].split()
                if out and not out[-1].startswith(">"):
                    out.append("")
                out.append(line)
                self._verbs[verb](*arguments)
                out.extend(self._told())
        return "\n".join(out) + "\n"

    def _told(self) -> list[str]:
        if self._world is None:
            return []
        story, self._world.story = self._world.story, []
        return [line.rstrip() for line in story]

    def _host(self, name: str) -> Host:
        return next(host for host in self.world.hosts if host.name == name)

    def _groups(self, *pairs: str) -> None:
        split = (pair.split("=") for pair in pairs)
        self._homes = {GroupName(group): NodeName(home) for group, home in split}

    def _set_failback(self, word: str) -> None:
        self._failback = AutoFailback(word)

    def _set_fencing(self, word: str) -> None:
        self._fencing = Fencing(word)

    def _set_has_ping(self) -> None:
        self._has_ping = True

    def _set_policy(self, word: str) -> None:
        self.world.policy = terms.Fencing(word)

    def _set_disk(self, name: str, group: str, *, is_cut: bool) -> None:
        self._host(name).disks.views[GroupName(group)].is_cut = is_cut

    def _set_lan(self, name: str, *, is_cut: bool) -> None:
        self._host(name).lan_cut = is_cut

    def _pause(self, name: str) -> None:
        self._host(name).paused = True

    def _cut(self, link: str, sender: str = "") -> None:
        self._set_cable(link, sender, Cable(is_cut=True))

    def _mute(self, link: str, sender: str = "") -> None:
        """A wire that is whole and carries nothing: what it says by itself is not changed."""
        self._set_cable(link, sender, Cable(loss=1.0))

    def _mend(self, link: str, sender: str = "") -> None:
        self._set_cable(link, sender, Cable())

    def _set_cable(self, link: str, sender: str, cable: Cable) -> None:
        """One link, or both with `all`; in one direction if a sender is named."""
        for name, link_name in self.world.cables:
            if sender in ("", name) and link in ("all", self._word(link_name)):
                self.world.cables[name, link_name] = cable

    def _word(self, link_name: str) -> str:
        return next(w for w, i in LINKS.items() if self.world.links[i] == link_name)

    def _takeover(self, name: str, scope: str) -> None:
        self._jobs += 1
        self._host(name).post(TakeoverRequested(JobId(self._jobs), Scope(scope)))

    def _standby(self, name: str, scope: str) -> None:
        self._jobs += 1
        self._host(name).post(StandbyRequested(JobId(self._jobs), Scope(scope)))

    def _maintenance(self, name: str, word: str) -> None:
        self._jobs += 1
        self._host(name).post(MaintenanceSet(JobId(self._jobs), on=word == "on"))

    def _confirm_peer_down(self, name: str) -> None:
        self._jobs += 1
        job = JobId(self._jobs)
        self._host(name).post(PeerConfirmedDown(job))
        self.world.say(f"{name:8} answer {self._host(name).jobs[job].value}")

    def _clear_failure(self, name: str) -> None:
        self._jobs += 1
        self._host(name).post(FailureCleared(JobId(self._jobs)))

    def _reload(self, name: str, *words: str) -> None:
        """`reload NODE GROUP=RESOURCE,RESOURCE… deadtime=SECONDS`: what is not named is not there.

        A group without `=` is as it was at the beginning.
        """
        host, usual = self._host(name), self.world.lines()
        timing = self.world.timing
        lines: dict[GroupName, tuple[str, ...]] = {}
        for word in words:
            what, _, value = word.partition("=")
            if what == "deadtime":
                timing = replace(timing, deadtime_usec=Usec(int(value) * SECOND))
                continue
            group = GroupName(what)
            lines[group] = tuple(value.split(",")) if value else usual[group]
        host.reload(lines, timing)

    def _lose(self, name: str, group: str) -> None:
        host = self._host(name)
        host.resources.running[GroupName(group)] = GroupState.PARTIAL
        host.post(ResourceLost(GroupName(group), group, "died"))
