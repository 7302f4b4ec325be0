"""hbctl(1): verbs and their arguments. Whatever takes time to import is imported by the verb."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from hbd import __version__
from hbd.bus.names import Verb
from hbd.cli.outcome import Exit, Trouble
from hbd.cluster.terms import Scope

SCOPES = [scope.value for scope in Scope]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status is one of `Exit`."""
    chosen = _parser().parse_args(arguments)
    try:
        return _run(chosen)
    except Trouble as trouble:
        print(f"hbctl: {trouble}", file=sys.stderr)
        return trouble.status
    except KeyboardInterrupt:
        print("hbctl: interrupted; a job that was begun goes on", file=sys.stderr)
        return Exit.INTERRUPTED


def _run(chosen: argparse.Namespace) -> int:
    import asyncio  # 50 ms that --help and a typing error need not wait for

    from hbd.cli import verbs

    if chosen.verb in (Verb.TAKEOVER, Verb.STANDBY):
        request = verbs.Request(
            verb=Verb(chosen.verb),
            target=chosen.group or chosen.scope or Scope.ALL.value,
            is_group=chosen.group is not None,
            wait=chosen.wait,
            ask=chosen.ask_password,
        )
        return asyncio.run(verbs.move(request))
    now_usec = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    return asyncio.run(verbs.status(now_usec, as_json=getattr(chosen, "json", False)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hbctl", description="Look at this machine's hbd and move resource groups. hbctl(1)"
    )
    parser.add_argument("--version", action="version", version=f"hbctl {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    status = verbs.add_parser("status", help="show nodes, links and groups (the default)")
    status.add_argument("--json", action="store_true", help="for programs")
    _add_move(verbs.add_parser(Verb.TAKEOVER.value, help="bring resource groups to this node"))
    _add_move(verbs.add_parser(Verb.STANDBY.value, help="give resource groups to the peer"))
    return parser


def _add_move(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "scope",
        nargs="?",
        choices=SCOPES,
        metavar="SCOPE",
        help=f"which groups: {', '.join(SCOPES)} (all)",
    )
    which.add_argument("--group", metavar="GROUP", help="one group, as named in haresources")
    parser.add_argument(
        "--no-wait", dest="wait", action="store_false", help="do not wait for the result"
    )
    parser.add_argument(
        "--no-ask-password",
        dest="ask_password",
        action="store_false",
        help="fail where a password would be needed",
    )
