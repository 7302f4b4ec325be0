"""Debian's fence_ipmilan against a management board that really switches something off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hbd.cluster.terms import SECOND, NodeName, Usec
from hbd.errors import AdapterError
from hbd.fencing.agent import FenceAgent, PowerState
from tests.lab.fencing.bmc import Bmc, bmc
from tests.lab.harness.ipmi import PASSWORD

PEER = NodeName("ttisrv2")
LIMIT = Usec(60 * SECOND)  # fence_ipmilan asks several times and waits in between
SHORT = Usec(8 * SECOND)


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Bmc]:
    """A machine that is on."""
    async with bmc(tmp_path / "bmc") as ready:
        yield ready


async def test_the_agent_takes_the_power_away(board: Bmc) -> None:
    """Goal: `off` returns when the machine is off and not before. Method: ask the kernel, too."""
    agent = FenceAgent("fence_ipmilan", board.parameters, LIMIT)
    await agent.monitor()
    assert await agent.status(PEER) is PowerState.ON
    assert board.is_on()
    await agent.off(PEER)
    assert not board.is_on()
    assert await agent.status(PEER) is PowerState.OFF
    await agent.off(PEER)


async def test_a_switch_that_does_nothing_is_no_success(board: Bmc) -> None:
    """Goal: no takeover on a lie. Method: the board says yes and leaves the power on."""
    board.stick()
    agent = FenceAgent("fence_ipmilan", (*board.parameters, ("power_timeout", "2")), LIMIT)
    with pytest.raises(AdapterError) as caught:
        await agent.off(PEER)
    assert board.is_on()
    assert PASSWORD not in str(caught.value)


async def test_a_wrong_password_is_a_failure_that_keeps_the_right_one(board: Bmc) -> None:
    """Goal: neither a takeover nor a leak. Method: the board refuses the session."""
    wrong = tuple(
        (key, "guessed-it" if key == "password" else value) for key, value in board.parameters
    )
    agent = FenceAgent("fence_ipmilan", wrong, LIMIT)
    with pytest.raises(AdapterError) as caught:
        await agent.status(PEER)
    assert "guessed-it" not in str(caught.value)
    assert board.is_on()


async def test_a_board_that_is_silent_fails_in_time(board: Bmc) -> None:
    """Goal: the deadline holds whatever the agent waits for. Method: nobody at the port."""
    silent = tuple((key, "9" if key == "ipport" else value) for key, value in board.parameters)
    agent = FenceAgent("fence_ipmilan", silent, SHORT)
    began = asyncio.get_running_loop().time()
    with pytest.raises(AdapterError):
        await agent.off(PEER)
    assert asyncio.get_running_loop().time() - began < SHORT / SECOND + 3
