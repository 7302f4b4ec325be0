"""The README's tour, walked on two booted nodes: what it shows is what is to be seen."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process

import pytest

from tests.house.tour import Stop, stops
from tests.lab.harness.host import LabError, end
from tests.lab.harness.node import Node
from tests.lab.story.signals import Signals, listening
from tests.lab.story.story import WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]


def words(stop: Stop) -> list[str]:
    """The command as a shell runs it, errors where a terminal would show them."""
    return ["sh", "-c", f"exec 2>&1; {stop.command}"]


def user(stop: Stop) -> str | None:
    """Whom the lab is to run it as."""
    return None if stop.user == "root" else stop.user


async def monitor(node: Node, stop: Stop, signals: Signals) -> Process:
    """A terminal of its own with a command that listens; it does when it has become a monitor.

    Who does so comes to the bus, and loses its name there.
    """
    process = await asyncio.create_subprocess_exec(
        *node.enter(user(stop)), *words(stop),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    come: set[object] = set()
    while True:
        told = await signals.next("NameOwnerChanged", within=WITHIN)
        name, _, owner = told.body
        if owner:
            come.add(name)
        elif name in come:
            return process


async def shows(process: Process, stop: Stop) -> None:
    """Read on until what is shown has come; LabError, with what came instead, too late."""
    assert process.stdout is not None, "asked for a pipe"
    output = ""
    try:
        async with asyncio.timeout(WITHIN):
            while not stop.begins(output.removeprefix("Monitoring bus message stream.\n")):
                output += (await process.stdout.readline()).decode()
    except TimeoutError as error:
        raise LabError(f"{stop.command}\nshows\n{output}\nand not\n{stop.shown}") from error


async def test_the_tour_shows_what_is_to_be_seen(story: Story) -> None:
    """Goal: who follows the README sees what it shows. Method: each command, line by line.

    A command that listens runs on in a second terminal until the next one has had its effect.
    """
    story.undo.push_async_callback(story.home.run, ["hbctl", "takeover"])
    nodes = {node.name: node for node in story.lab.nodes}
    listens: tuple[Process, Stop] | None = None
    for stop in stops():
        node = nodes[stop.node]
        if stop.command.startswith("busctl monitor"):
            async with listening(node) as signals:
                listens = await monitor(node, stop, signals), stop
            story.undo.push_async_callback(end, listens[0])
            continue
        done = await node.run(words(stop), user=user(stop), check=False)
        assert stop.is_so(done.out), f"{stop.command}\n{done.out}"
        if listens is not None:
            await shows(*listens)
            listens = None
    assert story.holders() == {story.away.name}
