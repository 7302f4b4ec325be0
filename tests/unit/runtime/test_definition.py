"""The words of haresources on this machine: a mistake is not the same as no answer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from hbd.errors import ConfigError, NoAnswer
from hbd.runtime import definition
from hbd.systemd.manager import Manager
from tests.unit.config.files import Files


class Systemd:
    """A systemd that knows no unit, or does not answer."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    async def loaded_name(self, unit: str) -> str | None:
        """See Reader."""
        if not self._answers:
            raise NoAnswer(f"no answer about {unit}")
        return None


async def find(tmp_path: Path, systemd: Systemd) -> definition.Definitions:
    """What a line with a service means to this systemd."""
    config = Files(haresources="hpa 192.168.0.100/24 apache\n").accepted(tmp_path)
    return await definition.find(config, cast("Manager", systemd))


async def test_a_word_that_systemd_does_not_know_is_a_mistake(tmp_path: Path) -> None:
    """Goal: the file and line are told. Method: a systemd without such a unit."""
    with pytest.raises(ConfigError) as refused:
        await find(tmp_path, Systemd(answers=True))
    assert [mistake.line for mistake in refused.value.mistakes] == [1]


async def test_a_systemd_that_is_too_busy_to_answer_is_no_mistake_in_a_file(
    tmp_path: Path,
) -> None:
    """Goal: hbd tries again at boot on a slow machine. Method: no answer, then the error's kind.

    A refused configuration (exit status 78) is not started again by systemd; anything else is.
    """
    with pytest.raises(NoAnswer):
        await find(tmp_path, Systemd(answers=False))
