"""A model of a disk with persistent reservations: SPC-4 5.13 as a state machine.

A nexus is one path of one node to the disk, here a name. Commands answer SCSI's status. Writes can
be under way inside the disk, as with a real queue: `submit` and then `settle`. It is pure and
forgets nothing, so that a test or a simulation can ask who wrote what, when, and by which right.

Left out, as hbd uses none: all-registrants types, SPEC_I_PT, ALL_TG_PT, and RELEASE.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GOOD, CHECK_CONDITION, CONFLICT = 0x00, 0x02, 0x18
REGISTRANTS_ONLY = (3, 4)  # block layer numbers: WE-RO, EA-RO


@dataclass(frozen=True, slots=True)
class Write:
    """One block that a nexus wants to change."""

    nexus: str
    block: int
    data: bytes


@dataclass(slots=True)
class ReservationDisk:
    """One disk. `keys` by nexus; `holder` is the nexus whose reservation stands.

    `attentions` are unit attentions not told yet: the next command of that nexus ends with a check
    condition and is not done. `written` is every write that reached the medium, in order.
    """

    keys: dict[str, int] = field(default_factory=dict)
    holder: str | None = None
    type: int = 0
    generation: int = 0
    attentions: dict[str, int] = field(default_factory=dict)
    under_way: list[Write] = field(default_factory=list)
    written: list[Write] = field(default_factory=list)
    blocks: dict[int, bytes] = field(default_factory=dict)

    def register(self, nexus: str, old: int, new: int, *, ignore: bool = False) -> int:
        """REGISTER, or REGISTER AND IGNORE EXISTING KEY. The holder's reservation stays its own."""
        if self.tell_attention(nexus):
            return CHECK_CONDITION
        if not ignore and self.keys.get(nexus, 0) != old:
            return CONFLICT
        self.generation += 1
        if new:
            self.keys[nexus] = new
        elif nexus in self.keys:
            del self.keys[nexus]
            self._release_of(nexus)
        return GOOD

    def reserve(self, nexus: str, key: int, kind: int) -> int:
        """RESERVE: granted if free; the same again by the holder is no change."""
        if self.tell_attention(nexus):
            return CHECK_CONDITION
        if self.keys.get(nexus, 0) != key or not key:
            return CONFLICT
        if self.holder is None:
            self.holder, self.type = nexus, kind
            return GOOD
        return GOOD if (self.holder, self.type) == (nexus, kind) else CONFLICT

    def preempt(self, nexus: str, own: int, victim: int, kind: int, *, abort: bool) -> int:
        """PREEMPT, or PREEMPT AND ABORT: the victim's writes under way end, too.

        The victim's registrations go on all its paths; the reservation changes hands only if the
        victim held it.
        """
        if self.tell_attention(nexus):
            return CHECK_CONDITION
        if self.keys.get(nexus, 0) != own or not own:
            return CONFLICT
        if not victim:
            return CHECK_CONDITION
        hit = [each for each, key in self.keys.items() if key == victim]
        if not hit:
            return CONFLICT
        self.generation += 1
        if self.holder in hit:
            self.holder, self.type = nexus, kind
        for each in hit:
            if each != nexus:
                del self.keys[each]
                self._attend(each)
        if abort:
            self.under_way = [w for w in self.under_way if w.nexus not in hit or w.nexus == nexus]
        return GOOD

    def clear(self, nexus: str, key: int) -> int:
        """CLEAR, which hbd never asks for: a third party's tool may."""
        if self.keys.get(nexus, 0) != key or not key:
            return CONFLICT
        self.generation += 1
        for each in self.keys:
            if each != nexus:
                self._attend(each)
        self.keys.clear()
        self.holder, self.type = None, 0
        return GOOD

    def may_write(self, nexus: str) -> bool:
        """By a registrants-only reservation: whoever is registered, anybody when there is none."""
        if self.holder is None:
            return True
        return nexus in self.keys if self.type in REGISTRANTS_ONLY else nexus == self.holder

    def submit(self, nexus: str, block: int, data: bytes) -> int:
        """A write reaches the disk: refused, or under way until `settle`."""
        if self.tell_attention(nexus):
            return CHECK_CONDITION
        if not self.may_write(nexus):
            return CONFLICT
        self.under_way.append(Write(nexus, block, data))
        return GOOD

    def settle(self) -> None:
        """What is under way reaches the medium."""
        for write in self.under_way:
            self.blocks[write.block] = write.data
            self.written.append(write)
        self.under_way.clear()

    def lose_power(self, *, forgets: bool = False) -> None:
        """Writes under way are gone; registrations stay (APTPL), unless the disk `forgets`."""
        self.under_way.clear()
        if forgets:
            self.keys.clear()
            self.holder, self.type = None, 0

    def tell_attention(self, nexus: str) -> bool:
        """Whether there was one to tell; then it is told. READ KEYS and the like tell it, too."""
        left = self.attentions.get(nexus, 0)
        if left:
            self.attentions[nexus] = left - 1
        return left > 0

    def _release_of(self, nexus: str) -> None:
        """The holder has unregistered: nobody holds any more, and the others are told."""
        if self.holder != nexus:
            return
        self.holder, self.type = None, 0
        for each in self.keys:
            self._attend(each)

    def _attend(self, nexus: str) -> None:
        self.attentions[nexus] = self.attentions.get(nexus, 0) + 1
