"""What a node's journal said at warning or above, and what of it no story needs to expect.

A line is known by a word, not by its prose: hbd's own by their HBD_EVENT, systemd's by the unit
they are about (`unit smbd.service`), a resource's by what became of it (`resource failed`), all
others by the program.
"""

from __future__ import annotations

from dataclasses import dataclass

from hbd.journal import MessageId
from tests.lab.harness.journal import Entry
from tests.lab.harness.node import Node

# Programs that say at `warning` what warns of nothing here.
_NOISE = {
    "dbus-daemon": "may not raise its limit of open files in a container",
    "smbd": "names its version and copyright at this level",
    "nmbd": "the same",
    "rpc.statd": "tells its flags and a missing state file at its first start",
    "sm-notify": "the same",
    "ganesha.nfsd": "has no NFSv4 domain, and needs none",
    "(bash)": "is systemd about to start ganesha, whose package leaves variables unset",
    "(sd-pam)": "is a user's manager that ends later than its session",
    "systemd-logind": "has no input devices in a container",
    "polkitd": "tells each rules directory that it does not find",
    "kernel": "is the machine's own and tells of other labs",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal, at warning or above."""

    node: str
    word: str
    message: str


async def warnings_since(node: Node, cursor: str) -> list[Line]:
    """Every line at warning or above after `cursor` that is no noise."""
    entries = await node.journal.entries(f"--after-cursor={cursor}", "--priority=warning")
    return [
        Line(node.name, word_of(entry), str(entry.get("MESSAGE")))
        for entry in entries
        if not _is_noise(entry)
    ]


def event(message_id: MessageId) -> str:
    """The HBD_EVENT of hbd's own lines."""
    return message_id.name.lower().replace("_", "-")


def word_of(entry: Entry) -> str:
    """The word by which a story expects a line."""
    if "HBD_EVENT" in entry:
        return str(entry["HBD_EVENT"])
    if "HBD_RESOURCE" in entry:
        return f"resource {entry.get('HBD_STATE')}"
    unit = entry.get("UNIT")
    if unit is not None and entry.get("_PID") == "1":
        return f"unit {unit}"
    return str(entry.get("SYSLOG_IDENTIFIER", "?"))


def _is_noise(entry: Entry) -> bool:
    program = str(entry.get("SYSLOG_IDENTIFIER", ""))
    # what ha.cf is warned of at each start, in the article's own words
    notice = program == "hbd" and str(entry.get("MESSAGE")).startswith("/etc/ha.d/")
    return notice or program in _NOISE
