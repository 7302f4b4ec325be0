"""The calling convention of fence agents, told to small programs of our own that keep it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from hbd.cluster.terms import MILLISECOND, SECOND, NodeName, Usec
from hbd.errors import AdapterError
from hbd.fencing.agent import SLICE, FenceAgent, PowerState, outside_sandbox

PEER = NodeName("beta")
LIMIT = Usec(20 * SECOND)
SOON = Usec(300 * MILLISECOND)
PARAMETERS = (("ip", "192.0.2.1"), ("password", "hush-hush"))


def agent(
    directory: Path,
    script: str,
    limit_usec: Usec = LIMIT,
    parameters: tuple[tuple[str, str], ...] = PARAMETERS,
) -> FenceAgent:
    """A program that keeps what it was told in `told` and then runs `script`."""
    program = directory / "fence_own"
    program.write_text(
        f"#!/bin/sh\ncd {directory}\ncat > now; cat now >> told; env > environment\n"
        f"action=$(sed -n 's/^action=//p' now)\n{script}\n"
    )
    program.chmod(0o755)
    return FenceAgent("fence_own", parameters, limit_usec, directory=directory)


async def test_options_go_to_standard_input_and_nowhere_else(tmp_path: Path) -> None:
    """Goal: no password in a process list. Method: what the program heard, and its environment."""
    device = agent(tmp_path, "echo $# > arguments; [ $action = off ] || exit 2")
    await device.off(PEER)
    target = "nodename=beta\nplug=beta\n"
    asked = [
        f"ip=192.0.2.1\npassword=hush-hush\naction={each}\n{target}" for each in ("off", "status")
    ]
    assert (tmp_path / "told").read_text() == "".join(asked)
    assert (tmp_path / "arguments").read_text() == "0\n"
    assert "hush" not in (tmp_path / "environment").read_text()
    assert "hush" not in repr(device)


@pytest.mark.parametrize("key", ["plug", "port"])
async def test_a_plug_of_ha_cf_stands(tmp_path: Path, key: str) -> None:
    """Goal: the outlet that the administrator names. Method: the parameter is given."""
    device = agent(tmp_path, "exit 0", parameters=((key, "7"),))
    assert await device.status(PEER) is PowerState.ON
    assert (tmp_path / "told").read_text() == f"{key}=7\naction=status\nnodename=beta\n"


@pytest.mark.parametrize("status", [1, 3, 127])
async def test_what_is_neither_on_nor_off_is_a_failure(tmp_path: Path, status: int) -> None:
    """Goal: "unreachable" is not "off". Method: each other exit status of `status`."""
    device = agent(tmp_path, f"echo no route; [ $action = off ] || exit {status}")
    with pytest.raises(AdapterError, match="no route"):
        await device.status(PEER)
    with pytest.raises(AdapterError):
        await device.off(PEER)


async def test_an_off_that_fails_is_not_asked_for_the_power(tmp_path: Path) -> None:
    """Goal: a failed command is a failure though the machine is off. Method: off fails."""
    device = agent(tmp_path, "[ $action = off ] && exit 1; exit 2")
    with pytest.raises(AdapterError):
        await device.off(PEER)
    assert "action=status" not in (tmp_path / "told").read_text()


async def test_off_waits_until_the_power_is_off(tmp_path: Path) -> None:
    """Goal: a slow power supply is waited for. Method: on at the first question, off then."""
    device = agent(tmp_path, "[ $action = off ] && exit 0; [ -e asked ] && exit 2; touch asked")
    await device.off(PEER)
    assert (tmp_path / "told").read_text().count("action=status") == 2


async def test_power_that_stays_on_is_a_failure(tmp_path: Path) -> None:
    """Goal: the deadline ends the waiting. Method: on, for ever."""
    device = agent(tmp_path, "exit 0", SOON)
    with pytest.raises(AdapterError):
        await device.off(PEER)


async def test_nothing_of_the_agent_is_left_behind(tmp_path: Path) -> None:
    """Goal: its whole group ends, in time or not. Method: children that would sleep for ever."""
    script = (
        "sleep 1000 > /dev/null 2>&1 & echo $! >> children\n"
        "[ $action = status ] && exit 0; sleep 1000"
    )
    device = agent(tmp_path, script, SOON)
    assert await device.status(PEER) is PowerState.ON
    with pytest.raises(AdapterError):
        await device.off(PEER)
    children = [int(child) for child in (tmp_path / "children").read_text().split()]
    assert len(children) == 2
    async with asyncio.timeout(10):  # they are killed, and die when the kernel has time
        while not all(is_dead(child) for child in children):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def test_who_keeps_the_output_does_not_keep_hbd_waiting(tmp_path: Path) -> None:
    """Goal: the deadline holds for systemd-run, whose service has its output. Method: another one.

    A child in a session of its own outlives the program and never closes the pipe.
    """
    device = agent(tmp_path, "setsid sleep 1000 & echo $! > child; sleep 1000", SOON)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(AdapterError):
                await device.monitor()
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def is_dead(process: int) -> bool:
    """Gone, or a zombie that nobody has reaped yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


async def test_an_error_has_the_last_lines_and_no_secret(tmp_path: Path) -> None:
    """Goal: useful and safe to log. Method: much output, the password in its last line."""
    script = "seq 1 100000; echo login with hush-hush refused; exit 1"
    with pytest.raises(AdapterError) as caught:
        await agent(tmp_path, script).monitor()
    assert "login with *** refused" in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_a_timeout_keeps_the_secret_too(tmp_path: Path) -> None:
    """Goal: the same when time is over. Method: it talks and hangs."""
    with pytest.raises(AdapterError) as caught:
        await agent(tmp_path, "echo hush-hush; sleep 1000", SOON).monitor()
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value.__cause__)


async def test_an_agent_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Goal: a package that is missing is named. Method: no file."""
    device = FenceAgent("fence_absent", (), LIMIT, directory=tmp_path)
    with pytest.raises(AdapterError, match="fence_absent"):
        await device.status(PEER)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("fence_x/../../bin/sh", ()),
        ("sh", ()),
        ("fence_own", (("ip", "1\naction=on"),)),
        ("fence_own", (("ip\naction", "on"),)),
    ],
)
def test_no_option_can_smuggle_another(name: str, parameters: tuple[tuple[str, str], ...]) -> None:
    """Goal: a line of ha.cf is one option. Method: names and values with ends of line in them."""
    with pytest.raises(AdapterError):
        FenceAgent(name, parameters, LIMIT)


def test_outside_the_sandbox_systemd_keeps_the_time() -> None:
    """Goal: the agent ends also when hbd has died. Method: the command systemd-run is given."""
    argv = outside_sandbox(("/usr/sbin/fence_own",), LIMIT)
    assert argv[-2:] == ("--", "/usr/sbin/fence_own")
    assert f"RuntimeMaxSec={LIMIT}us" in argv
    assert f"--slice={SLICE}" in argv
    assert os.path.basename(argv[0]) == "systemd-run"
