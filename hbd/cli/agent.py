"""Somebody to ask: pkttyagent(1) on this terminal, for as long as a request waits for permission.

polkit asks for a password only where an agent is registered for whoever called. A desktop has one,
an ssh login has none; so hbctl brings its own, as systemctl(1) does.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

AGENT = "pkttyagent"
# To register takes some ms, and a second where polkitd must be started first.
READY_SECONDS = 5.0


@contextmanager
def on_this_terminal() -> Iterator[None]:
    """While it lasts polkit can ask who sits here. Nothing where root calls, or nobody sits here.

    An agent that is not installed, or cannot register, is none: polkit then tells that it had
    nobody to ask.
    """
    agent = _start() if os.geteuid() != 0 and sys.stdin.isatty() else None
    try:
        yield
    finally:
        if agent is not None:
            agent.terminate()
            agent.wait()


def _start() -> subprocess.Popen[bytes] | None:
    """The agent, registered for this process (its parent); None if there is no such program.

    It closes the pipe once it is registered, or ends. Without `--fallback` it serves also a user
    without a login session (su, sudo), for whom polkit takes no fallback. It talks to the terminal
    itself; what its libraries complain of is not for the operator.
    """
    told, tell = os.pipe()
    try:
        agent = subprocess.Popen(  # noqa: S603 - no word of it comes from outside
            [AGENT, "--notify-fd", str(tell)], pass_fds=[tell], stderr=subprocess.DEVNULL
        )
    except OSError:
        agent = None
    os.close(tell)
    if agent is not None:
        select.select([told], [], [], READY_SECONDS)
    os.close(told)
    return agent
