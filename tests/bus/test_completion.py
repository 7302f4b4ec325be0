"""hbctl's completion, in a real bash: what is offered is what the command takes."""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hbd.cli import main
from tests.bus import beliefs
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served
from tests.house.tree import ROOT

COMPLETION = ROOT / "completion/hbctl"
DEADLINE_SECONDS = 20.0
# A line as readline hands it over, colons and all; one candidate per line of output.
ASK = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_hbctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


async def offered(bus: PrivateBus, line: str) -> list[str]:
    """What bash offers for the last word of a line."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "--norc", "-u", "-c", ASK, "bash", str(COMPLETION), line),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address},
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert err == b""
    return [word for word in out.decode().splitlines() if word]


def subparsers() -> dict[str, argparse.ArgumentParser]:
    """hbctl's verbs and their parsers."""
    [verbs] = [
        action
        for action in main._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(verbs.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The long options of a parser."""
    return {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }


def choices(parser: argparse.ArgumentParser) -> set[str]:
    """The words that may stand where an argument stands."""
    return {
        str(choice)
        for action in parser._actions
        if not action.option_strings
        for choice in action.choices or ()
    }


async def test_verbs_options_and_words_are_those_of_the_command(private_bus: PrivateBus) -> None:
    """Goal: nothing is missing and nothing is made up. Method: bash's answers and the parser."""
    verbs = subparsers()
    assert set(await offered(private_bus, "hbctl ")) == set(verbs)
    assert set(await offered(private_bus, "hbctl --")) == options(main._parser())
    for verb, parser in verbs.items():
        assert set(await offered(private_bus, f"hbctl {verb} --")) == options(parser)
        assert set(await offered(private_bus, f"hbctl {verb} ")) == choices(parser)


async def test_groups_are_the_running_daemons(private_bus: PrivateBus, served: Served) -> None:
    """Goal: live names. Method: the endpoint's groups, in both spellings, and a beginning."""
    assert served.endpoint.is_connected
    groups = [beliefs.SHARE, beliefs.OTHER]
    assert await offered(private_bus, "hbctl takeover --group ") == groups
    assert await offered(private_bus, "hbctl standby --no-wait --group=") == groups
    assert await offered(private_bus, "hbctl standby --group 192.168.0.101") == [beliefs.OTHER]
    assert await offered(private_bus, "hbctl standby --group 10.") == []
    assert await offered(private_bus, "hbctl clear-failure ") == groups
    assert await offered(private_bus, "hbctl clear-failure x ") == []


async def test_a_stopped_daemon_offers_no_groups_and_is_not_started(
    private_bus: PrivateBus,
) -> None:
    """Goal: a tab key is quiet. Method: a bus without hbd, then no bus."""
    assert await offered(private_bus, "hbctl takeover --group ") == []
    await private_bus.kill()
    assert await offered(private_bus, "hbctl takeover --group ") == []


async def test_a_scope_is_offered_once_and_never_beside_a_group(private_bus: PrivateBus) -> None:
    """Goal: no line that the command then refuses. Method: lines that have one already."""
    assert await offered(private_bus, "hbctl takeover f") == ["foreign", "failback"]
    assert await offered(private_bus, "hbctl --version takeover lo") == ["local"]
    assert await offered(private_bus, "hbctl takeover all ") == []
    assert await offered(private_bus, "hbctl takeover --group g ") == []
    assert await offered(private_bus, "hbctl takeover --group=g ") == []


async def test_the_name_of_a_node_that_is_off_is_not_offered(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: only who knows it is off says so. Method: a daemon with a peer, and no candidate."""
    assert served.endpoint.is_connected
    assert await offered(private_bus, "hbctl confirm-peer-down ") == []


@dataclass(frozen=True, slots=True)
class Terminal:
    """The other end of an interactive bash's terminal."""

    file: int
    news: asyncio.Queue[bytes]

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self.file, text.encode())

    async def shows(self, text: str) -> None:
        """Wait until this has been shown."""
        shown = ""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while text not in shown:
                shown += (await self.news.get()).decode()


@pytest.fixture
async def terminal(private_bus: PrivateBus) -> AsyncIterator[Terminal]:
    """An interactive bash with the completion, and an hbctl that shows how it was called."""
    ours, its = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"),
        stdin=its,
        stdout=its,
        stderr=its,
        env=os.environ
        | {
            "DBUS_SYSTEM_BUS_ADDRESS": private_bus.address,
            "PS1": "",
            "TERM": "dumb",
            "INPUTRC": "/dev/null",
        },
    )
    os.close(its)
    terminal = Terminal(ours, asyncio.Queue())
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, lambda: terminal.news.put_nowait(os.read(ours, 4096)))
    terminal.type(f"source {COMPLETION}; hbctl() {{ echo called:$*:; }}\n")
    try:
        yield terminal
    finally:
        loop.remove_reader(ours)
        process.kill()
        await process.wait()
        os.close(ours)


async def test_the_tab_key_completes_verbs_options_and_groups(
    terminal: Terminal, served: Served
) -> None:
    """Goal: it works under a finger. Method: type at a terminal and press tab."""
    assert served.endpoint.is_connected
    terminal.type("hbctl take\t --gr\t 192.168.0.101\t\n")
    await terminal.shows(f"called:takeover --group {beliefs.OTHER}:")


async def test_the_tab_key_completes_names_with_colons(terminal: Terminal) -> None:
    """Goal: bash begins a new word at `:` and `=`; names survive. Method: a group named so."""
    terminal.type("_hbctl_groups() { echo Filesystem::/dev/sdb1::/srv; }\n")
    terminal.type("hbctl standby --group=File\t\n")
    await terminal.shows("called:standby --group=Filesystem::/dev/sdb1::/srv:")
    terminal.type("hbctl standby --group Filesystem::/d\t\n")
    await terminal.shows("called:standby --group Filesystem::/dev/sdb1::/srv:")
