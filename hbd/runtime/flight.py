"""The flight recorder: the last steps in memory, and in the journal when there is a reason.

Recording a step keeps references and costs next to nothing; what is written is made plain in a
thread: 15 ms for a full memory, of which the loop waits for 5 at a time at most, the interpreter's
own limit. What goes on for long, such as a stop that hangs, is written when memory is full, and
then at growing distances: how it began and how it ended is what will be asked. At most so many
bytes an hour reach the journal, so that a flapping link cannot fill it; what is left out is said.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Final

from hbd import __version__
from hbd.journal import MessageId, fields
from hbd.runtime.clock import now
from hbd.story.recording import Numbered, recordings
from hbd.story.taken import Taken

REMEMBERED: Final = 512  # steps: at 5 a second more than a minute
HOUR_SECONDS: Final = 3600
BYTES_AN_HOUR: Final = 2 * 1024 * 1024

_log = logging.getLogger("hbd.flight")


class FlightRecorder:
    """Remembers steps, and writes those that are not written yet."""

    def __init__(self, remembered: int = REMEMBERED, bytes_an_hour: int = BYTES_AN_HOUR) -> None:
        self._steps: deque[Numbered] = deque(maxlen=remembered)
        self._count = 0
        self._written = 0
        self._goes_on = 0  # how often something that goes on was written
        self._bytes_an_hour = bytes_an_hour
        self._spent = 0
        self._hour = time.monotonic()
        self._dropped = 0
        self._one_at_a_time = asyncio.Lock()

    def note(self, taken: Taken, broken: str = "") -> None:
        """Remember a step; `broken` is why no decision came of it."""
        self._count += 1
        self._steps.append(Numbered(self._count, taken, broken))

    @property
    def is_due(self) -> bool:
        """Whether what goes on is to be written now.

        The first time before anything of it is pushed out of memory; then after twice as many
        steps each time, of which the last ones are kept.
        """
        return self._count - self._written >= (self._steps.maxlen or 0) << self._goes_on

    async def write(self, why: str, *, goes_on: bool = False) -> None:
        """Write what is new to the journal; `goes_on`: what this is about has not ended yet."""
        async with self._one_at_a_time:
            if goes_on and not self.is_due:
                return  # it was asked for twice
            self._goes_on = self._goes_on + 1 if goes_on else 0
            steps = self._take()
            if steps:
                texts = await asyncio.to_thread(self._texts, steps)
                self._send(texts, len(steps), why)

    def write_now(self, why: str) -> None:
        """The same at once: the program is about to end."""
        steps = self._take()
        if steps:
            self._send(self._texts(steps), len(steps), why)

    def _take(self) -> list[Numbered]:
        steps = [each for each in self._steps if each.number > self._written]
        self._written = self._count
        return steps

    def _texts(self, steps: list[Numbered]) -> list[str]:
        lead = time.time_ns() // 1000 - now()
        return list(recordings(steps, version=__version__, wall_usec=lead, dropped=self._dropped))

    def _send(self, texts: list[str], count: int, why: str) -> None:
        size = sum(map(len, texts))
        if time.monotonic() - self._hour >= HOUR_SECONDS:
            self._hour, self._spent = time.monotonic(), 0
        if self._spent + size > self._bytes_an_hour:
            if not self._dropped:
                _log.warning(
                    "Not recording %d steps (%s): %d KiB within the hour are enough",
                    count,
                    why,
                    self._spent // 1024,
                )
            self._dropped += count
            return
        self._spent += size
        self._dropped = 0
        for place, text in enumerate(texts, start=1):
            _log.info(
                "Recorded %d steps for replay (%s), part %d of %d",
                count,
                why,
                place,
                len(texts),
                extra=fields(MessageId.STEPS_RECORDED, steps=text),
            )
