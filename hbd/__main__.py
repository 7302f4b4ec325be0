"""hbd(8): read the command line and the configuration, then be the daemon."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import hbd
from hbd import journal
from hbd.errors import AdapterError, ConfigError
from hbd.rival import heartbeat_pid
from hbd.schedule import be_ordinary

CONFIG_DIRECTORY = Path("/etc/ha.d")
HOLDS = Path("/run/hbd/holds")  # hbd.systemd.hold writes them; this must be known before its import
EXIT_CRASH = 1
EXIT_CONFIG = 78
EXIT_HEARTBEAT = 69  # EX_UNAVAILABLE of sysexits.h; hbd.service does not restart on it


def main() -> int:
    """Run as the options say; the result is the exit status."""
    options = _parser().parse_args()
    if options.check:
        from hbd.config import check

        return check.run(options.config_dir, options.node, sys.stdout)
    return _run(options.config_dir, options.node)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hbd", description="two-node high-availability daemon")
    parser.add_argument("--version", action="version", version=f"hbd {hbd.__version__}")
    parser.add_argument(
        "--check", action="store_true", help="read the configuration, print all mistakes, and end"
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        default=CONFIG_DIRECTORY,
        metavar="DIR",
        help="where ha.cf, authkeys and haresources are (default: %(default)s)",
    )
    parser.add_argument("--node", metavar="NAME", help="be this node, whatever uname -n says")
    return parser


def give_way(holds: Path) -> None:
    """Be no real-time process while starting, if nothing is held: nobody waits for this start.

    Real-time comes back with READY (hbd.service). Whoever holds groups keeps it: the dead man stops
    them if hbd is not back in a part of deadtime.
    """
    if not (holds.is_dir() and any(holds.iterdir())):
        be_ordinary()


def _run(config_directory: Path, node: str | None) -> int:
    give_way(HOLDS)
    from hbd.runtime.reload import Source

    log = journal.set_up()
    if (rival := heartbeat_pid()) is not None:
        log.error(
            "heartbeat runs here as process %d, and one of the two must not: not starting; "
            "`systemctl stop heartbeat` hands its resources over",
            rival,
            extra=journal.fields(journal.MessageId.HEARTBEAT_RUNS),
        )
        return EXIT_HEARTBEAT
    source = Source(config_directory, node)
    try:
        config = source.read()
    except ConfigError as error:
        for mistake in error.mistakes:
            log.error("%s", mistake, extra=journal.fields(journal.MessageId.CONFIG_REFUSED))  # noqa: TRY400 - the reason is the message
        return EXIT_CONFIG
    for notice in config.notices:
        level = logging.WARNING if notice.severity.value == "warning" else logging.INFO
        log.log(level, "%s", notice)
    if config.debug:
        log.setLevel(logging.DEBUG)

    import asyncio

    from hbd.runtime.daemon import Daemon
    from hbd.systemd.notify import SystemdNotifier

    try:
        daemon = Daemon(config, source, SystemdNotifier())
    except AdapterError as error:
        log.error("%s; not starting", error)  # noqa: TRY400 - the reason is the message
        return EXIT_CRASH
    return asyncio.run(daemon.run())


if __name__ == "__main__":
    sys.exit(main())
