"""Somebody to ask: pkttyagent(1) on this terminal, for as long as a request waits for permission.

polkit asks for a password only where an agent is registered for whoever called. A desktop has one,
and opens its dialog; an ssh login has none, so hbctl brings its own, as systemctl(1) does.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hbd.cli.client import Client

AGENT = "pkttyagent"
# To register takes some ms, and a second where polkitd must be started first.
READY_SECONDS = 5.0


@asynccontextmanager
async def on_this_terminal(client: Client) -> AsyncIterator[None]:
    """While it lasts polkit can ask who sits here. Nothing where root calls, or nobody sits here.

    Where the session has an agent of its own, a desktop's, that one asks.

    An agent that is not installed, or cannot register, is none: polkit then tells that it had
    nobody to ask.
    """
    agent = None
    if os.geteuid() != 0 and sys.stdin.isatty():
        agent = _start(["--fallback"] if await client.is_in_session() else [])
    try:
        yield
    finally:
        if agent is not None:
            agent.terminate()
            agent.wait()


def _start(options: list[str]) -> subprocess.Popen[bytes] | None:
    """The agent, registered for this process (its parent); None if there is no such program.

    It closes the pipe once it is registered, or ends. With `--fallback` it asks only where the
    session has no agent; to a caller without a session polkit gives no such agent (a user's cron
    job, a service), so there it is registered without. It talks to the terminal itself; what its
    libraries complain of is not for the operator.
    """
    told, tell = os.pipe()
    try:
        agent = subprocess.Popen(  # noqa: S603 - no word of it comes from outside
            [AGENT, "--notify-fd", str(tell), *options], pass_fds=[tell], stderr=subprocess.DEVNULL
        )
    except OSError:
        agent = None
    os.close(tell)
    if agent is not None:
        select.select([told], [], [], READY_SECONDS)
    os.close(told)
    return agent
