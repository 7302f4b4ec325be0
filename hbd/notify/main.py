"""hbd-notify(1): the command line, and what ends it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from enum import IntEnum

from hbd import __version__
from hbd.errors import ConfigError
from hbd.notify import settings
from hbd.notify.browser import OPENER


class Exit(IntEnum):
    """Exit statuses, as in hbd-notify(1)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 78  # sysexits.h; the unit does not start it again


def main(arguments: Sequence[str] | None = None) -> int:
    """Notify until told to end, or open the page and end."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        page = settings.read(os.environ).page
    except ConfigError as error:
        print(error, file=sys.stderr)
        return Exit.CONFIG
    return _open(page) if chosen.open else _serve(page)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hbd-notify", description="Tell on this desktop what happens in the cluster."
    )
    parser.add_argument("--version", action="version", version=f"hbd-notify {__version__}")
    parser.add_argument(
        "--open", action="store_true", help="open the cluster's page in Cockpit, and end"
    )
    return parser


def _open(page: str) -> int:
    try:
        os.execvp(OPENER, [OPENER, page])  # noqa: S606 - no shell, and the page is a web address
    except OSError as error:
        print(f"hbd-notify: cannot run {OPENER}: {error.strerror}", file=sys.stderr)
        return Exit.FAILED


def _serve(page: str) -> int:
    from hbd.notify.service import Service

    async def serve() -> None:
        await Service(page).run()

    asyncio.run(serve())
    return Exit.DONE
