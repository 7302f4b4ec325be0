"""Units whose changes somebody wants to hear of, and what was last known of them.

Bookkeeping: it is given signals and a way to read states, and calls back when a state differs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from hbd.systemd import unitname
from hbd.systemd.state import ActiveState, UnitState

OnChange = Callable[[UnitState], None]
Read = Callable[[str], Awaitable[UnitState]]

UNIT_INTERFACE: Final = "org.freedesktop.systemd1.Unit"


class Watches:
    """By unit: who to tell, and the last state told."""

    def __init__(self) -> None:
        self._units: dict[str, str] = {}  # by D-Bus path
        self._on_change: dict[str, OnChange] = {}
        self._known: dict[str, UnitState] = {}
        self._signals: dict[str, int] = {}  # how many were heard of each unit

    @property
    def units(self) -> tuple[str, ...]:
        """The units watched, in the order they were added."""
        return tuple(self._on_change)

    def add(self, unit: str, on_change: OnChange) -> None:
        """Begin to watch; nothing is told before the first state (`refresh`)."""
        self._units[unitname.bus_path(unit)] = unit
        self._on_change[unit] = on_change
        self._known.pop(unit, None)

    def remove(self, unit: str) -> None:
        """Stop watching; nothing is told of it from now on."""
        del self._on_change[unit]
        self._units.pop(unitname.bus_path(unit), None)
        self._known.pop(unit, None)
        self._signals.pop(unit, None)

    async def refresh(self, unit: str, read: Read) -> None:
        """Read a state anew, and again if the unit has changed meanwhile: the answer may be older.

        A signal that comes with the answer is handled before whoever waits for the answer goes on.
        """
        heard = None
        while heard != self._signals.get(unit, 0):
            heard = self._signals.get(unit, 0)
            state = await read(unit)
        self.replace(state)

    def replace(self, state: UnitState) -> None:
        """The state was read anew; it is told if it is news."""
        if state.unit in self._on_change and self._known.get(state.unit) != state:
            self._known[state.unit] = state
            self._on_change[state.unit](state)

    def changed(self, path: str, interface: str, properties: Mapping[str, object]) -> None:
        """PropertiesChanged was heard. Before the first state: that there is a newer one."""
        unit = self._units.get(path)
        if unit is None:
            return
        self._signals[unit] = self._signals.get(unit, 0) + 1
        known = self._known.get(unit)
        if known is None:
            return
        values = {name: getattr(value, "value", value) for name, value in properties.items()}
        if interface == UNIT_INTERFACE:
            self.replace(
                replace(
                    known,
                    active=ActiveState.parse(values.get("ActiveState", known.active.value)),
                    sub=str(values.get("SubState", known.sub)),
                )
            )
        elif "Result" in values:  # of the unit's own type; told with the state that follows
            self._known[known.unit] = replace(known, result=str(values["Result"]))
