"""A reload: the files are read anew, and what they say is put in force, all of it or nothing.

Everything that can fail comes first and changes nothing; then one synchronous moment changes keys,
links and times and tells the core. The order between groups, and when each follows, is the core's.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hbd.config.difference import differences, fixed
from hbd.config.load import HA_CF, load
from hbd.config.model import Config, Severity
from hbd.errors import AdapterError, ConfigError
from hbd.journal import NOTICE, MessageId, fields
from hbd.runtime import definition
from hbd.runtime.definition import Definitions
from hbd.systemd.notify import Notifier

_log = logging.getLogger("hbd.reload")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the configuration is: the directory, and `--node` if that was given."""

    directory: Path
    node: str | None = None

    def read(self) -> Config:
        """Blocking: read and judge the files; ConfigError with all mistakes."""
        return load(self.directory, self.node)


class Running(Protocol):
    """The daemon, as far as a reload changes it."""

    @property
    def config(self) -> Config:
        """What is in force."""
        ...

    @property
    def definitions(self) -> Definitions:
        """The groups of it, as this machine understands them."""
        ...

    async def prepare(self, config: Config) -> Definitions:
        """Everything that may fail; ConfigError or AdapterError, and nothing has changed."""
        ...

    def commit(self, config: Config, newest: Definitions) -> None:
        """Put it in force, at once; it cannot fail."""
        ...


class Reloads:
    """One reload at a time: who asks meanwhile waits, and then has the files read once more."""

    def __init__(self, source: Source, running: Running, notifier: Notifier) -> None:
        self._source = source
        self._running = running
        self._notifier = notifier
        self._one_at_a_time = asyncio.Lock()
        self._is_signalled = False

    async def reload(self, by: str) -> tuple[str, ...]:
        """Read the files and put them in force; a line for each thing that differs.

        ConfigError with every mistake, or AdapterError if the machine could not be asked: then
        everything is as before. Both are in the journal, and `by` who asked.
        """
        async with self._one_at_a_time:
            self._notifier.reloading()
            try:
                return await self._reload(by)
            except ConfigError as error:
                self._refused(error, by)
                raise
            except AdapterError as error:
                _log.error(
                    "Failed to reload for %s: %s; the old configuration stays in force",
                    by,
                    error,
                    extra=fields(MessageId.CONFIG_REFUSED, by=by),
                )
                raise
            finally:
                self._notifier.ready()

    async def on_signal(self) -> None:
        """SIGHUP: nobody waits for an answer; many signals are one."""
        if self._is_signalled:
            return
        self._is_signalled = True
        try:
            async with self._one_at_a_time:
                self._is_signalled = False
            await self.reload("SIGHUP")
        except (ConfigError, AdapterError):
            return  # said in the journal

    async def _reload(self, by: str) -> tuple[str, ...]:
        old = self._running.config
        new = await asyncio.to_thread(self._source.read)
        mistakes = fixed(old, new, str(self._source.directory / HA_CF))
        if mistakes:
            raise ConfigError(mistakes)
        newest = await self._running.prepare(new)
        lines = differences(old, new) + definition.differences(self._running.definitions, newest)
        self._running.commit(new, newest)
        logging.getLogger("hbd").setLevel(logging.DEBUG if new.debug else logging.INFO)
        self._tell(old, new, lines, by)
        return lines

    def _tell(self, old: Config, new: Config, lines: tuple[str, ...], by: str) -> None:
        for notice in new.notices:
            if notice not in old.notices:
                level = logging.WARNING if notice.severity is Severity.WARNING else logging.INFO
                _log.log(level, "%s", notice)
        what = "; ".join(lines) if lines else "nothing differs"
        extra = fields(MessageId.CONFIG_RELOADED, by=by, changes=len(lines))
        _log.log(NOTICE, "Configuration read anew for %s: %s", by, what, extra=extra)

    def _refused(self, error: ConfigError, by: str) -> None:
        for mistake in error.mistakes:
            _log.error("%s", mistake, extra=fields(MessageId.CONFIG_REFUSED, by=by))
        _log.error(
            "Not reloaded for %s: %d mistakes; the old configuration stays in force",
            by,
            len(error.mistakes),
            extra=fields(MessageId.CONFIG_REFUSED, by=by),
        )
