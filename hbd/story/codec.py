"""Frozen values to plain ones (of JSON) and back, by the type hints of their dataclasses alone.

A field that has its default is left out. Reading is strict: every word must be known and of its
type. With `strict=False` fields that are unknown are skipped and missing ones have their default,
so that another version's values can be read as far as they mean the same. Nothing is executed, and
nothing but the type asked for can come out.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

Plain = Any  # None, bool, int, str, list or dict with str keys, of such

_TEXT_AND_NUMBERS = (bool, int, str)


class UnreadableError(ValueError):
    """A plain value is not one of the type asked for; the message says where and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are written and read; `read` takes the plain value and strictness."""

    write: Callable[[Any], Plain]
    read: Callable[[Plain, bool], Any]


def to_plain(hint: Any, value: Any) -> Plain:  # noqa: ANN401  # any type, any value
    """The value as JSON can carry it."""
    return _form(hint).write(value)


def from_plain(hint: Any, plain: Plain, *, strict: bool = True) -> Any:  # noqa: ANN401  # as above
    """The value of type `hint` that was written as `plain`; UnreadableError if it is none."""
    return _form(hint).read(plain, strict)


@cache
def _form(hint: Any) -> _Form:  # noqa: ANN401  # any type
    if isinstance(hint, typing.NewType):
        return _form(hint.__supertype__)
    if hint in _TEXT_AND_NUMBERS:
        return _Form(lambda value: value, lambda plain, _strict: _exactly(hint, plain))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments)
    if origin in (tuple, frozenset):
        assert origin is frozenset or arguments[1:] == (Ellipsis,), f"not uniform: {hint}"
        return _many(origin, _form(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Form(lambda value: value.value, lambda plain, _strict: _word(hint, plain))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"no form for {hint}")


def _exactly(hint: type, plain: Plain) -> Plain:
    if type(plain) is not hint:
        raise UnreadableError(f"{plain!r:.80} is no {hint.__name__}")
    return plain


def _word(hint: type[Enum], plain: Plain) -> Enum:
    try:
        return hint(plain)
    except ValueError as error:
        raise UnreadableError(f"{plain!r:.80} is no {hint.__name__}") from error


def _many(origin: type, form: _Form) -> _Form:
    def write(values: Any) -> Plain:  # noqa: ANN401  # a tuple or a frozenset
        written = [form.write(value) for value in values]
        return sorted(written) if origin is frozenset else written

    def read(plain: Plain, strict: bool) -> Any:  # noqa: ANN401, FBT001  # as above; one shape for all
        return origin(form.read(each, strict) for each in _exactly(list, plain))

    return _Form(write, read)


def _union(arguments: tuple[Any, ...]) -> _Form:
    """`X | None` is X's form or null; a union of dataclasses is [name, fields]."""
    chosen = tuple(each for each in arguments if each is not type(None))
    if len(chosen) == 1:
        form = _form(chosen[0])
        return _Form(
            lambda value: None if value is None else form.write(value),
            lambda plain, strict: None if plain is None else form.read(plain, strict),
        )
    forms = {each.__name__: _form(each) for each in chosen}

    def read(plain: Plain, strict: bool) -> Any:  # noqa: ANN401, FBT001  # as above
        if type(plain) is list and len(plain) == 2 and type(plain[0]) is str and plain[0] in forms:
            return forms[plain[0]].read(plain[1], strict)
        raise UnreadableError(f"{plain!r:.80} is none of {', '.join(forms)}")

    def write(value: Any) -> Plain:  # noqa: ANN401  # as above
        name = type(value).__name__
        return [name, forms[name].write(value)]

    return _Form(write, read)


def _record(hint: type) -> _Form:
    hints = typing.get_type_hints(hint)
    fields = [field for field in dataclasses.fields(hint) if field.init]
    forms = {field.name: _form(hints[field.name]) for field in fields}
    defaults = {field.name: _default(field) for field in fields}

    def write(value: Any) -> Plain:  # noqa: ANN401  # an instance of `hint`
        held = {name: getattr(value, name) for name in forms}
        return {
            name: forms[name].write(each)
            for name, each in held.items()
            if defaults[name] is dataclasses.MISSING or each != defaults[name]
        }

    def read(plain: Plain, strict: bool) -> Any:  # noqa: ANN401, FBT001  # as above
        _exactly(dict, plain)
        unknown = plain.keys() - forms.keys()
        if unknown and strict:
            raise UnreadableError(f"{hint.__name__} has no {', '.join(sorted(unknown))}")
        try:
            return hint(
                **{name: forms[name].read(plain[name], strict) for name in forms if name in plain}
            )
        except (TypeError, AssertionError) as error:
            raise UnreadableError(f"no {hint.__name__}: {error}") from error

    return _Form(write, read)


def _default(field: dataclasses.Field[Any]) -> Any:  # noqa: ANN401  # of any type
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
