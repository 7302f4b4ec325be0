"""What differs between two configurations, for people; and what cannot differ while hbd runs.

Groups are not compared here: what a word of haresources is depends on the machine. No secret is
ever part of a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from hbd.cluster.keys import Key, Keyring
from hbd.config.model import Config, Medium
from hbd.config.values import in_words
from hbd.errors import Mistake

_TIMES = ("keepalive", "warntime", "deadtime", "initdead")
_NUMBERS = ("hopfudge", "debug")
_COMPARED = frozenset(
    {
        *("nodes", "local", "peer", "uuidfrom"),  # see `fixed`
        *("timing", "deadping_usec", "auto_failback", "media", "keys", "log_badpack", "env"),
        *("max_rexmit_delay_usec", "watchdog", *_NUMBERS),
        *("groups", "notices"),  # none of ours
    }
)


def fixed(old: Config, new: Config, file: str) -> tuple[Mistake, ...]:
    """What `new`, from ha.cf at `file`, changes that only a restart can change."""
    return tuple(
        Mistake(
            file, 0, f"{what} {then}", f"it was {was}, and {why}", "restart hbd, or change it back"
        )
        for what, was, then, why in _fixed(old, new)
        if was != then
    )


def _fixed(old: Config, new: Config) -> Iterator[tuple[str, str, str, str]]:
    ours = "the conversation with the peer has begun"
    yield "node (this one)", old.local, new.local, ours
    yield "node (the peer)", old.peer or "none", new.peer or "none", ours
    yield "node (all)", " ".join(sorted(old.nodes)), " ".join(sorted(new.nodes)), ours
    yield "uuidfrom", old.uuidfrom.value, new.uuidfrom.value, "the peer knows this node by its uuid"


def differences(old: Config, new: Config) -> tuple[str, ...]:
    """One line for each difference but those of groups, in the order of ha.cf(5)."""
    return tuple(_differences(old, new))


def _differences(old: Config, new: Config) -> Iterator[str]:
    for name in _TIMES:
        was, now = (getattr(each.timing, f"{name}_usec") for each in (old, new))
        if was != now:
            yield f"{name}: {in_words(was)} -> {in_words(now)}"
    for name in ("deadping", "max_rexmit_delay"):
        was, now = (getattr(each, f"{name}_usec") for each in (old, new))
        if was != now and (name != "deadping" or (was, now) != _deadtimes(old, new)):
            yield f"{name}: {in_words(was)} -> {in_words(now)}"
    if old.auto_failback is not new.auto_failback:
        yield f"auto_failback: {old.auto_failback.value} -> {new.auto_failback.value}"
    for name in _NUMBERS:
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {getattr(old, name)} -> {getattr(new, name)}"
    if old.log_badpack is not new.log_badpack:
        yield f"log_badpack: {'on' if new.log_badpack else 'off'}"
    if old.watchdog != new.watchdog:
        yield f"watchdog: {old.watchdog or 'none'} -> {new.watchdog or 'none'}"
    if old.env != new.env:
        yield "env: resource scripts see the new values when they are called next"
    yield from _links(old.media, new.media)
    yield from _keys(old.keys, new.keys)
    yield from _later(old, new)


def _deadtimes(old: Config, new: Config) -> tuple[int, int]:
    """deadping is deadtime if it is not written: then that line says it."""
    return old.timing.deadtime_usec, new.timing.deadtime_usec


def _links(old: tuple[Medium, ...], new: tuple[Medium, ...]) -> Iterator[str]:
    was = {medium.name: medium for medium in old}
    for medium in new:
        before = was.pop(medium.name, None)
        if before is None:
            yield f"link {medium.name}: added"
        elif before != medium:
            yield f"link {medium.name}: opened anew, {_details(before, medium)}"
    for gone in was:
        yield f"link {gone}: removed"


def _details(was: Medium, now: Medium) -> str:
    """What differs between two links of one name."""
    if type(was) is not type(now):
        return f"{type(was).__name__.lower()} -> {type(now).__name__.lower()}"
    names = [field.name for field in fields(now)]
    changed = [name for name in names if getattr(was, name) != getattr(now, name)]
    return ", ".join(f"{name} {getattr(was, name)} -> {getattr(now, name)}" for name in changed)


def _keys(old: Keyring, new: Keyring) -> Iterator[str]:
    was = {key.index: key for key in old.keys}
    for key in new.keys:
        before = was.pop(key.index, None)
        if before is None:
            yield f"authkeys: {_key(key)} added"
        elif before != key:
            yield f"authkeys: {_key(key)} is another one now"
    for gone in was.values():
        yield f"authkeys: {_key(gone)} removed: what is signed with it is refused"
    if old.selected != new.selected:
        yield f"authkeys: signing with {_key(new.signing)} now, not with key {old.selected}"


def _key(key: Key) -> str:
    return f"key {key.index} ({key.method.value})"


def _later(old: Config, new: Config) -> Iterator[str]:
    """Everything else is read at the start only."""
    for name in (field.name for field in fields(new)):
        if name not in _COMPARED and getattr(old, name) != getattr(new, name):
            yield f"{name}: takes effect at the next start of hbd"
