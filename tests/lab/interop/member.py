"""One node's daemon, hbd or heartbeat: started, stopped, killed and asked in the same words.

Both have heartbeat's own commands; what differs is the unit's name, the log, and that a heartbeat
that is killed leaves its groups running, where systemd stops them with hbd.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from tests.lab.harness import files
from tests.lab.harness.host import LabError, now
from tests.lab.harness.node import Node
from tests.lab.interop import complaints, witness

LOG = "/var/log/ha-log"
STARTED_WITHIN = 60.0  # s: initdead, heartbeat's 10 s, and the groups on a busy machine
STOPPED_WITHIN = 60.0
LOOKS_EVERY = 0.2  # s between questions: heartbeat tells nobody of a change
SETTLED_AFTER = 2.0  # s: a request is answered within two hops of 0.5 s


class Kind(StrEnum):
    """Whose daemon it is; the value is the systemd unit."""

    HBD = "hbd"
    HEARTBEAT = "heartbeat"


class Scope(StrEnum):
    """What hb_standby and hb_takeover take, and rscstatus tells."""

    ALL = "all"
    LOCAL = "local"
    FOREIGN = "foreign"
    FAILBACK = "failback"


@dataclass(frozen=True, slots=True)
class View:
    """The cluster as one member sees it, by cl_status; empty while it does not answer."""

    own: str = ""  # init, up, active
    peer: str = ""  # … or dead
    holds: str = ""  # none, local, foreign, all, transition


_GENERATION = {
    Kind.HBD: "/var/lib/hbd/generation",
    Kind.HEARTBEAT: "/var/lib/heartbeat/hb_generation",
}

# What ends a daemon and what it held, without its doing: for a story that begins anew.
_WIPE = {
    Kind.HEARTBEAT: """
pids=$(pidof -x heartbeat); [ -z "$pids" ] || kill -9 $pids
systemctl kill -s KILL heartbeat 2>/dev/null; systemctl reset-failed heartbeat 2>/dev/null
pkill -9 -f /usr/share/heartbeat/ResourceManager; pkill -9 -f /etc/ha.d/harc
rm -f /run/heartbeat.pid /var/run/heartbeat/rsctmp/*/* /var/lock/LCK..*
""",
    Kind.HBD: """
timeout 20 systemctl stop hbd || systemctl kill -s KILL hbd
systemctl stop hbd hbd-deadman.service 'hbd-group@*' 'hbd-resource-*' 2>/dev/null
systemctl reset-failed
""",
}
_LET_GO = f"""
for group in first second; do {witness.SCRIPT_PATH} $group stop; done
rm -f {witness.FAILS}.*
umount {files.MOUNT_POINT} 2>/dev/null
ip addr del {files.SHARED_ADDRESS}/24 dev eth0 2>/dev/null
: >{LOG}
exit 0
"""


class Member:
    """The daemon of one node."""

    def __init__(self, kind: Kind, node: Node) -> None:
        self.kind = kind
        self.node = node

    def __repr__(self) -> str:
        return f"{self.kind} on {self.name}"

    @property
    def name(self) -> str:
        """The node's."""
        return self.node.name

    # --- running it -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the daemon; it is not yet active when this returns."""
        await self.node.run(["systemctl", "start", self.kind])

    async def stop(self) -> float:
        """Stop it in good order and wait for its end; returns how long that took, in seconds."""
        began = now()
        await self.node.run(["systemctl", "stop", self.kind], within=STOPPED_WITHIN)
        return now() - began

    async def kill(self) -> None:
        """SIGKILL to every process of the daemon. heartbeat's groups go on running; hbd is back."""
        await self.node.run(["systemctl", "kill", "-s", "KILL", self.kind])

    async def wipe(self) -> None:
        """End it, whatever it does, and undo what it held."""
        if not self.node.is_on:
            await self.node.boot()
        await self.node.run(["sh", "-c", _WIPE[self.kind]], check=False)
        await self.node.run(["sh", "-c", _LET_GO], check=False)

    def refuse(self, group: str) -> None:
        """From now on the resource of this group does not start here, until `wipe`."""
        self.node.write(f"{witness.FAILS}.{group}", "")

    async def generation(self) -> int:
        """The last generation it has begun, by its own file."""
        return int((await self.node.run(["cat", _GENERATION[self.kind]])).out)

    def set_generation(self, number: int) -> None:
        """Make it believe that this was its last generation; it is stopped."""
        width = 15 if self.kind is Kind.HEARTBEAT else 0
        self.node.write(_GENERATION[self.kind], f"{number:{width}}\n")

    # --- asking it ------------------------------------------------------------------------------

    async def ask(self, *words: str) -> str:
        """What `cl_status` answers; empty if it does not."""
        done = await self.node.run(["cl_status", *words], check=False, within=20)
        return done.out.strip()

    async def view(self, peer: str) -> View:
        """What it says now."""
        own, other, holds = await asyncio.gather(
            self.ask("nodestatus", self.name),
            self.ask("nodestatus", peer),
            self.ask("rscstatus"),
        )
        return View(own, other, holds)

    async def standby(self, scope: Scope = Scope.ALL) -> None:
        """`hb_standby SCOPE`: give groups away."""
        await self.node.run(["/usr/share/heartbeat/hb_standby", scope])

    async def takeover(self, scope: Scope = Scope.ALL) -> None:
        """`hb_takeover SCOPE`: fetch groups."""
        await self.node.run(["/usr/share/heartbeat/hb_takeover", scope])

    async def until(self, peer: str, wanted: View, within: float = STARTED_WITHIN) -> None:
        """Wait until it says so; an empty word of `wanted` may be anything."""
        deadline = now() + within
        seen = await self.view(peer)
        while not _fits(seen, wanted):
            if now() > deadline:
                raise LabError(f"{self} is not {wanted} within {within:g} s but {seen}")
            await asyncio.sleep(LOOKS_EVERY)
            seen = await self.view(peer)

    async def settles(self, peer: str, within: float) -> str:
        """Wait until it says what it holds and means it, twice in a row; returns the word."""
        deadline, last = now() + within, ""
        while True:
            seen = (await self.view(peer)).holds
            if seen == last and seen not in ("", "transition"):
                return seen
            if now() > deadline:
                raise LabError(f"{self} does not settle within {within:g} s: {last}, {seen}")
            await asyncio.sleep(SETTLED_AFTER)
            last = seen

    # --- what it wrote --------------------------------------------------------------------------

    def has_lost_own_words(self) -> bool:
        """Whether heartbeat's log, since it was emptied, says so."""
        log = self.node.root / LOG.lstrip("/")
        is_heartbeat = self.kind is Kind.HEARTBEAT and log.exists()
        return is_heartbeat and complaints.OWN_WORDS_LOST.search(log.read_text()) is not None

    async def log(self) -> list[str]:
        """Every line of its log: /var/log/ha-log, or hbd's journal of this boot."""
        if self.kind is Kind.HEARTBEAT:
            return (await self.node.run(["cat", LOG], check=False)).out.splitlines()
        words = ["journalctl", "-b", "-u", "hbd", "-o", "short-iso-precise", "--no-pager", "-q"]
        return (await self.node.run(words)).out.splitlines()


def _fits(seen: View, wanted: View) -> bool:
    return all(
        not want or have == want
        for have, want in zip(
            (seen.own, seen.peer, seen.holds), (wanted.own, wanted.peer, wanted.holds), strict=True
        )
    )
