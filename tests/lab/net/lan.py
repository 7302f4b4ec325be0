"""Two hosts on one wire: network namespaces joined by a veth pair, and an agent in each.

Everything here goes away with the namespaces, and the namespaces go away with the test.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
ANSWER_LIMIT_SEC = 10.0
EVENT_LIMIT_SEC = 5.0


class Refused(Exception):
    """The agent's adapter raised AdapterError."""


def ip(*words: str) -> str:
    """Run ip(8); what it says, or CalledProcessError."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Agent:
    """The process inside the namespace."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def do(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Have the agent do one thing; its answer, or Refused."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
        answer = await asyncio.wait_for(self._answers.get(), ANSWER_LIMIT_SEC)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["answer"]

    async def hears(self, event: str, **wanted: object) -> dict[str, Any]:
        """Wait for the next event of this name that says all of `wanted`."""
        async with asyncio.timeout(EVENT_LIMIT_SEC):
            while True:
                told = await self._queue(event).get()
                if all(told[name] == value for name, value in wanted.items()):
                    return told

    def heard(self, event: str) -> list[dict[str, Any]]:
        """Return the events of this name that nobody has waited for."""
        queue = self._queue(event)
        return [queue.get_nowait() for _ in range(queue.qsize())]

    async def close(self) -> None:
        """End the process by the end of its input, and see that it ended well."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        status = await asyncio.wait_for(self._process.wait(), ANSWER_LIMIT_SEC)
        await self._reading
        assert status == 0, f"the agent ended with {status}"

    def _queue(self, event: str) -> asyncio.Queue[dict[str, Any]]:
        return self._events.setdefault(event, asyncio.Queue())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            if "event" in told:
                self._queue(told.pop("event")).put_nowait(told)
            else:
                self._answers.put_nowait(told)


class Host:
    """One namespace, by name."""

    def __init__(self, namespace: str, python: str) -> None:
        self.namespace = namespace
        self.python = python

    def ip(self, *words: str) -> str:
        """Run ip(8) inside."""
        return ip("-n", self.namespace, *words)

    def set(self, sysctl: str, value: int) -> None:
        """Write one file of /proc/sys/net inside."""
        path = f"/proc/sys/net/{sysctl}"
        script = ["ip", "netns", "exec", self.namespace, "sh", "-c", f"echo {value} > {path}"]
        subprocess.run(script, check=True)

    def mac(self, interface: str) -> str:
        """The interface's hardware address."""
        (link,) = json.loads(self.ip("-j", "link", "show", interface))
        return str(link["address"])

    def addresses(self, interface: str) -> dict[str, dict[str, Any]]:
        """What ip(8) shows of each address on the interface."""
        (link,) = json.loads(self.ip("-j", "address", "show", interface))
        return {address["local"]: address for address in link["addr_info"]}

    def routes(self, *words: str) -> list[str]:
        """The main table's routes as ip(8) writes them, sorted."""
        return sorted(line.strip() for line in self.ip(*words, "route").splitlines())

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[Agent]:
        """Run an agent inside for as long as the test needs it."""
        process = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", self.namespace, self.python, "-m", "tests.lab.net.agent"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONASYNCIODEBUG": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        agent = Agent(process)
        try:
            yield agent
        finally:
            await agent.close()


class Lan:
    """`here` (10.77.0.1/24, fd77::1/64) and `there` (10.77.0.2/24, fd77::2/64): eth0 of each."""

    def __init__(self, python: str) -> None:
        names = [f"hbdnet{os.getpid()}{side}" for side in ("a", "b")]
        self.here, self.there = (Host(name, python) for name in names)
        self.there.python = sys.executable  # the other end is only looked at

    def build(self) -> None:
        """Make the namespaces and the wire."""
        for host in (self.here, self.there):
            ip("netns", "add", host.namespace)
            host.set("ipv6/conf/default/accept_dad", 0)
            host.ip("link", "set", "lo", "up")
        self.plug("eth0")
        for number, host in enumerate((self.here, self.there), start=1):
            host.ip("address", "add", f"10.77.0.{number}/24", "brd", "+", "dev", "eth0")
            host.ip("address", "add", f"fd77::{number}/64", "dev", "eth0", "nodad")

    def plug(self, interface: str) -> None:
        """Join the hosts by one more wire, with the same name at both ends, up and bare."""
        far = self.there.namespace
        self.here.ip(
            *("link", "add", interface, "type", "veth", "peer", "name", interface, "netns", far)
        )
        for host in (self.here, self.there):
            host.ip("link", "set", interface, "up")

    def clear(self) -> None:
        """Remove every trace."""
        for host in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", host.namespace], check=False)
