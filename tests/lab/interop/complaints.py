"""What a daemon's log complains of, and what of it means nothing.

heartbeat's lines carry their level as a word: ERROR, CRIT and WARN are complaints. Those listed
here are about this machine or come with every start; everything else a story must expect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hbd.journal import MessageId
from tests.lab.story import said

_COMPLAINT = re.compile(r": (?:ERROR|CRIT|WARN|EMERG|ALERT): |\bERROR\b")

_DROPPED = re.compile(r": WARN: message is dropped\s*$")
_DUMPED = re.compile(r": WARN: MSG(?:: Dumping|\[\d+\])")

# At every start, on any machine like this one.
_ALWAYS = (
    r"Core dumps could be lost",
    r"Consider setting .* for maximum supportability",
    r"Logging daemon is disabled",
    r"Cannot lock ourselves into memory",  # a container's limit
    r"No Previous generation",  # its first start ever
    r"Gmain_timeout_dispatch|G_CH_(?:dispatch|check|prepare)_int|Dispatch function for",  # busy
    r"lost packet\(s\) for",  # it sends its answers before what it answers, which is normal
    r"deadtime value may be too small|Late heartbeat",  # the same, told by its clock
)
# Two of its own scripts write to its fifo at once, on a busy machine: it loses what they say to it.
# What comes from the other node it reads by another way.
_OWN_WORDS_LOST = (
    r"Message with zero fields",
    r"NV failure \(msgfromsteam\)",
    r"ha_msg_add_nv_depth: line doesn't contain '='",
)
OWN_WORDS_LOST = re.compile("|".join(_OWN_WORDS_LOST))
ALWAYS = tuple(re.compile(pattern) for pattern in (*_ALWAYS, *_OWN_WORDS_LOST))

# What a story with a leaving, dying or returning peer makes heartbeat say.
PEER_LEAVES = (
    r"node ttisrv\d: is dead",
    r"No STONITH device configured",
    r"Shared disks are not protected",
    r"Cluster node ttisrv\d returning after partition",
    r"TTY write timeout",  # on a serial line nobody reads any more
)
LEGACY = (r"auto_failback|legacy|deprecated|nice_failback",)

# hbd's words for what came over the medium and was no good, and for everything that is an error.
_PROTOCOL = frozenset({said.event(MessageId.REJECTED_INPUT)})


def in_log(lines: Iterable[str], expected: Iterable[re.Pattern[str]]) -> list[str]:
    """The complaints in heartbeat's log that nobody expects."""
    known = (*ALWAYS, *expected)
    return [
        line
        for line in _without_stray_ends(lines)
        if _COMPLAINT.search(line) and not any(pattern.search(line) for pattern in known)
    ]


def _without_stray_ends(lines: Iterable[str]) -> list[str]:
    """The log without the `done`s that came to who was in no exchange.

    One follows every takeover from a heartbeat that leaves, and it is sent twice over; the receiver
    ignores it, as it must, and shows all of it as a warning. Any other dropped message stays.
    """
    kept: list[str] = []
    dump: list[str] = []
    for line in [*lines, ""]:
        if dump and _DUMPED.search(line):
            dump.append(line)
            continue
        if not {"[t=ask_resources]", "[info=done]"} <= {each.rpartition(" ")[2] for each in dump}:
            kept += dump
        dump = []
        (dump if _DROPPED.search(line) else kept).append(line)
    return [*kept, *dump]


def of_hbd(lines: Iterable[said.Line], expected: Iterable[str]) -> list[str]:
    """What hbd says of its peer's messages that nobody expects."""
    wanted = _PROTOCOL - set(expected)
    return [f"{line.word}: {line.message}" for line in lines if line.word in wanted]
