"""The lines of ha.cf(5) about who is in the cluster and what it does: `(draft, line, value)`."""

from __future__ import annotations

from hbd.cluster.terms import AutoFailback
from hbd.config.draft import Draft
from hbd.config.findings import BadValue
from hbd.config.values import flag, node_name

_NO_PACEMAKER = "hbd runs haresources and no Pacemaker"


def node(draft: Draft, line: int, word: str) -> None:
    """`node NAME...`; a name twice is refused: see DEVIATIONS in ha.cf(5)."""
    name = node_name(word)
    if name in draft.nodes:
        why = f"the node is already named in line {draft.nodes[name]}"
        raise BadValue(why, "name each of the two nodes once")
    draft.nodes[name] = line


def auto_failback(draft: Draft, line: int, word: str) -> None:
    """`auto_failback on|off|legacy`."""
    if word.lower() == "legacy":
        draft.auto_failback = AutoFailback.LEGACY
        return
    try:
        draft.auto_failback = AutoFailback.ON if flag(word) else AutoFailback.OFF
    except BadValue as error:
        raise BadValue("it is neither on, off nor legacy", "write on, off or legacy") from error


def nice_failback(draft: Draft, line: int, word: str) -> None:
    """The older word: on means `auto_failback off`, off means `auto_failback legacy`."""
    draft.auto_failback = AutoFailback.OFF if flag(word) else AutoFailback.LEGACY
    meaning = draft.auto_failback.value
    text = f"nice_failback {word}: obsolete, understood as auto_failback {meaning}"
    draft.findings.warning(line, text)


def crm(draft: Draft, line: int, word: str) -> None:
    """`crm` and `pacemaker`: only off is possible."""
    if word.lower() in ("respawn", "minimal", "manual", "ccm-only", "valgrind"):
        raise BadValue(_NO_PACEMAKER, "write crm off or delete the line")
    if flag(word):
        raise BadValue(_NO_PACEMAKER, "write crm off or delete the line")


def autojoin(draft: Draft, line: int, word: str) -> None:
    """`autojoin`: a cluster of haresources has the nodes that are named, no others."""
    if word in ("other", "any"):
        raise BadValue("nodes of haresources cannot join by themselves", "write autojoin none")
    if word != "none":
        raise BadValue("it is not one of the known words", "write autojoin none")
