"""An authority that answers as the test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hbd.bus.connection import Connection
from hbd.bus.exported import Caller
from hbd.bus.names import Permission
from hbd.bus.polkit import Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked."""

    caller: Caller
    permission: Permission
    details: Mapping[str, str]
    interactive: bool


class ScriptedAuthority:
    """Gives `verdict` to every question, once `may_answer` is set."""

    def __init__(self) -> None:
        self.verdict = Verdict.ALLOWED
        self.questions: list[Question] = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def check(
        self,
        bus: Connection,
        caller: Caller,
        permission: Permission,
        details: Mapping[str, str],
        *,
        interactive: bool,
    ) -> Verdict:
        """Answer as scripted."""
        assert bus.is_open
        self.questions.append(Question(caller, permission, details, interactive))
        self.asked.set()
        await self.may_answer.wait()
        return self.verdict
