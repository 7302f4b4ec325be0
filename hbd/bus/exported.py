"""How a method is offered: its name and signature beside its Python types, and its permission.

A method cannot be exported without saying who may call it: the decorator demands a permission, or
None in so many words, for what is mere reading. The library's own
decorator can neither tell who called nor whether the caller allows a password dialogue, so calls
are dispatched from raw messages (see `endpoint`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hbd.bus.names import Interface, Permission


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the bus's name for the connection, and the user id that the bus vouches for."""

    sender: str
    uid: int

    def __str__(self) -> str:
        return f"uid {self.uid}"


@dataclass(frozen=True, slots=True)
class Deed:
    """What a well-formed call will do once it is permitted.

    `details` are shown to polkit's rules and dialogues. `do` changes the world and gives the body
    of the answer, at once or when awaited; it may raise Refused, then too.
    """

    do: Callable[[Caller], list[object] | Awaitable[list[object]]]
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Method:
    """One exported method. `translate(object, *arguments)` gives a Deed or raises Refused."""

    interface: Interface
    member: str
    takes: str
    returns: str
    permission: Permission | None
    translate: Callable[..., Deed]


def exported(
    interface: Interface, member: str, *, takes: str, returns: str, permission: Permission | None
) -> Callable[[Callable[..., Deed]], Method]:
    """Turn a translating function into a Method: same words as in dbus/*.xml, tested to be so."""

    def make(translate: Callable[..., Deed]) -> Method:
        return Method(interface, member, takes, returns, permission, translate)

    return make


def methods_of(kind: type) -> dict[str, Method]:
    """What an object class exports, by member."""
    return {value.member: value for value in vars(kind).values() if isinstance(value, Method)}
