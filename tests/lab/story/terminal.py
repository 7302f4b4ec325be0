"""A person at a terminal of a node, who answers when a password is asked for."""

from __future__ import annotations

import asyncio
import os
import select
import termios
import time
from collections.abc import Sequence

from tests.lab.harness.host import Finished, LabError, end, now
from tests.lab.harness.node import Node

ENDS_WITHIN = 100.0  # s: a wrong password costs two seconds of PAM's own
PROMPT = b"Password:"
_LOCAL_MODES = 3  # where termios has them


async def at_terminal(node: Node, argv: Sequence[str], *, user: str, types: str = "") -> Finished:
    """Run `argv` on a terminal of its own as `user`, who types `types` at the first prompt.

    What the terminal showed is in `out`; without `types` a prompt is left to stand.
    """
    master, slave = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *node.enter(user), "setsid", "--ctty", "--wait", *argv,
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        shown = await asyncio.to_thread(_talk, master, types, now() + ENDS_WITHIN)
        async with asyncio.timeout(ENDS_WITHIN):
            status = await process.wait()
    except TimeoutError as error:
        raise LabError(f"{node.name}: {argv[0]} on a terminal does not end") from error
    finally:
        await end(process)
        os.close(master)
    return Finished(tuple(argv), status, shown.decode(errors="replace"), "")


def _talk(terminal: int, types: str, deadline: float) -> bytes:
    """Read until nobody has the terminal open any more; TimeoutError at the deadline."""
    shown = b""
    is_typed = not types
    while select.select([terminal], [], [], max(deadline - now(), 0.0))[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # EIO: the other side is closed
            return shown
        if not is_typed and PROMPT in shown:
            _until_unseen(terminal, deadline)
            os.write(terminal, f"{types}\n".encode())
            is_typed = True
    raise TimeoutError(shown)


def _until_unseen(terminal: int, deadline: float) -> None:
    """Wait until the echo is off: what is typed before, the program throws away."""
    while termios.tcgetattr(terminal)[_LOCAL_MODES] & termios.ECHO and now() < deadline:
        time.sleep(0.002)
