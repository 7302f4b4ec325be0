"""What the parsers found in one file: mistakes, warnings, notices.

Bounded, because the file may be anything: after `LIMIT` findings of a kind one last line says that
there are more. It knows no file format.
"""

from __future__ import annotations

from hbd.config.model import Notice, Severity
from hbd.errors import Mistake

LIMIT = 100  # findings of one kind and file; nobody mends more than a screenful at a time
QUOTE_LENGTH = 60  # characters of the file's own text in a finding; the line number tells the rest


class BadValue(Exception):
    """A word is not acceptable where it stands; never leaves hbd.config."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


def quoted(text: str) -> str:
    """`text` in ticks as one short printable ASCII piece, whatever it held."""
    cut = text[:QUOTE_LENGTH]
    escaped = cut.encode("unicode_escape").decode("ascii").replace("\\\\", "\\")
    return f"'{escaped}...'" if len(text) > QUOTE_LENGTH else f"'{escaped}'"


class Findings:
    """Collects for one file; `file` is the path as the reader knows it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._mistakes: list[Mistake] = []
        self._notices: list[Notice] = []

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """In order of line; the file as a whole (line 0) comes first."""
        return tuple(sorted(self._mistakes, key=lambda mistake: mistake.line))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """In order of line; the file as a whole (line 0) comes first."""
        return tuple(sorted(self._notices, key=lambda notice: notice.line))

    def mistake(self, line: int, what: str, why: str, remedy: str) -> None:
        """Note one reason to refuse the configuration."""
        if len(self._mistakes) < LIMIT:
            self._mistakes.append(Mistake(self.file, line, what, why, remedy))
        elif len(self._mistakes) == LIMIT:
            self._mistakes.append(
                Mistake(
                    self.file,
                    line,
                    "further mistakes",
                    f"only the first {LIMIT} of a file are shown",
                    "mend those above, then check again",
                )
            )

    def bad(self, line: int, what: str, error: BadValue) -> None:
        """Note a refused value."""
        self.mistake(line, what, error.why, error.remedy)

    def notice(self, line: int, text: str) -> None:
        """Note what is accepted and done differently."""
        self.remark(line, text, Severity.NOTICE)

    def warning(self, line: int, text: str) -> None:
        """Note what is accepted and leaves the cluster weaker or surprises its owner."""
        self.remark(line, text, Severity.WARNING)

    def remark(self, line: int, text: str, severity: Severity) -> None:
        """Note a notice or a warning."""
        if len(self._notices) < LIMIT:
            self._notices.append(Notice(self.file, line, text, severity))
        elif len(self._notices) == LIMIT:
            more = f"only the first {LIMIT} remarks on this file are shown"
            self._notices.append(Notice(self.file, line, more, Severity.WARNING))
