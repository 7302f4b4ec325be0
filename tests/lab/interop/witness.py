"""Who held which group when, told by the resources themselves.

`holds::NAME` is a resource script for both daemons. It writes into the node's own root what it
was told and when, which this machine reads from outside. A start counts from before it did
anything, a stop from after all was undone; a node without power holds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.node import Node

SCRIPT_PATH = "/etc/ha.d/resource.d/holds"
LOG_PATH = "/var/lib/holds/log"
FAILS = "/var/lib/holds/fails"  # while FAILS.NAME exists, `holds::NAME` does not start

# As heartbeat has them: the arguments first, the verb last, the status in words, and a stop of
# what is stopped succeeds. The marker is below /run: gone with the power, as a mount would be.
SCRIPT = f"""\
#!/bin/sh
marker=/run/holds.$1
said() {{ echo "$(date +%s.%N) $1 $2" >>{LOG_PATH}; }}
case "$2" in
    status) [ -e "$marker" ] && echo running || echo stopped; exit 0 ;;
    start)
        [ -e "{FAILS}.$1" ] && {{ said refused "$1"; exit 1; }}
        said start "$1"; touch "$marker" ;;
    stop) [ -e "$marker" ] || exit 0; rm -f "$marker"; said stop "$1" ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch of time (s, of the machine's clock) in which a node held a group; to no end yet."""

    node: str
    group: str
    since: float
    until: float = float("inf")


def install(node: Node) -> None:
    """Put the script into a node's root."""
    node.write(SCRIPT_PATH, SCRIPT, mode=0o755)
    node.write(LOG_PATH, "")


def told(node: Node) -> list[tuple[float, str, str]]:
    """What the scripts of a node were told: when, what, which group."""
    log = node.root / LOG_PATH.lstrip("/")
    lines = [line.split() for line in log.read_text().splitlines()]
    return [(float(moment), verb, group) for moment, verb, group in lines]


def power_lost(node: Node, moment: float) -> None:
    """Write down for a node that it held nothing any more at `moment`."""
    path = node.root / LOG_PATH.lstrip("/")
    with Path(path).open("a") as log:
        for held in stretches(node):
            if held.until == float("inf"):
                log.write(f"{moment:.9f} stop {held.group}\n")


def stretches(node: Node) -> list[Held]:
    """Every stretch in which `node` held a group."""
    found: list[Held] = []
    begun: dict[str, float] = {}
    for moment, verb, group in told(node):
        if verb == "start":
            begun.setdefault(group, moment)
        elif verb == "stop" and group in begun:
            found.append(Held(node.name, group, begun.pop(group), moment))
    return [*found, *(Held(node.name, group, since) for group, since in begun.items())]


def holders(nodes: list[Node], group: str) -> list[str]:
    """Who holds the group at this moment."""
    return [
        held.node
        for node in nodes
        for held in stretches(node)
        if held.group == group and held.until == float("inf")
    ]


def overlaps(nodes: list[Node], since: float = 0.0) -> list[tuple[Held, Held]]:
    """Every two stretches in which both nodes held one group, lasting beyond `since`."""
    first, second = (stretches(node) for node in nodes)
    return [
        (one, other)
        for one in first
        for other in second
        if one.group == other.group
        and max(one.since, other.since) < min(one.until, other.until)
        and min(one.until, other.until) > since
    ]
