"""hbctl(1): verbs and their arguments. Whatever takes time to import is imported by the verb."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hbd import __version__
from hbd.bus.names import Verb
from hbd.cli.outcome import Exit, Trouble
from hbd.cluster.terms import Fencing, Scope

if TYPE_CHECKING:
    from hbd.cli.verbs import Request

MOST = 2**32 - 1  # what Manager.History can be asked for
SCOPES = [scope.value for scope in Scope]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status is one of `Exit`."""
    chosen = _parser().parse_args(arguments)
    try:
        status = _run(chosen)
        sys.stdout.flush()
    except Trouble as trouble:
        print(f"hbctl: {trouble}", file=sys.stderr)
        return trouble.status
    except BrokenPipeError:
        # Who read our output has seen enough (`| head`). Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except KeyboardInterrupt:
        print("hbctl: interrupted; a job that was begun goes on", file=sys.stderr)
        return Exit.INTERRUPTED
    return status


def _run(chosen: argparse.Namespace) -> int:
    if chosen.verb == "export":
        return _export(chosen)
    import asyncio  # 50 ms that --help and a typing error need not wait for

    from hbd.cli import verbs

    match chosen.verb:
        case "status" if chosen.watch:
            from hbd.cli.watch import watch

            work = watch(as_json=chosen.json)
        case None | "status":
            work = verbs.status(as_json=getattr(chosen, "json", False))
        case "links":
            work = verbs.links(as_json=chosen.json)
        case "check":
            from hbd.cli.check import check

            work = check(as_json=chosen.json)
        case "history":
            from hbd.cli.history import history

            work = history(chosen.number, as_json=chosen.json)
        case "explain":
            from hbd.cli.history import explain

            work = explain(chosen.transition, as_json=chosen.json)
        case "failback":
            work = verbs.failback(wait=chosen.wait, ask=chosen.ask_password)
        case "reload":
            work = verbs.reload(ask=chosen.ask_password)
        case Verb.CONFIRM_PEER_DOWN:
            work = verbs.confirm_peer_down(chosen.peer, wait=chosen.wait, ask=chosen.ask_password)
        case _:
            work = verbs.move(_request(chosen))
    return asyncio.run(work)


def _export(chosen: argparse.Namespace) -> int:
    """The one verb that reads the files and asks nobody."""
    from hbd.cli.export import Wanted, export_pacemaker

    wanted = Wanted(
        chosen.directory, chosen.config_dir, chosen.node, chosen.fencing, chosen.address
    )
    return export_pacemaker(wanted)


def _request(chosen: argparse.Namespace) -> Request:
    """What was asked for by a verb that is one job."""
    from hbd.cli.verbs import Request

    group = getattr(chosen, "group", None)
    word = f"maintenance-{chosen.word}" if chosen.verb == "maintenance" else chosen.verb
    return Request(
        verb=Verb(word),
        target=group or getattr(chosen, "scope", None) or Scope.ALL.value,
        is_group=group is not None,
        wait=chosen.wait,
        ask=chosen.ask_password,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hbctl", description="Look at this machine's hbd and move resource groups. hbctl(1)"
    )
    parser.add_argument("--version", action="version", version=f"hbctl {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    status = verbs.add_parser("status", help="show nodes, links and groups (the default)")
    status.add_argument("--json", action="store_true", help="for programs")
    status.add_argument("--watch", action="store_true", help="show it anew when it changes")
    links = verbs.add_parser("links", help="show the links and what each has counted")
    links.add_argument("--json", action="store_true", help="for programs")
    check = verbs.add_parser("check", help="look whether the next failover will work")
    check.add_argument("--json", action="store_true", help="for programs")
    _add_past(verbs)
    _add_move(verbs.add_parser(Verb.TAKEOVER.value, help="bring resource groups to this node"))
    _add_move(verbs.add_parser(Verb.STANDBY.value, help="give resource groups to the peer"))
    _add_waiting(verbs.add_parser("failback", help="bring every group to the node it prefers"))
    maintenance = verbs.add_parser("maintenance", help="let this node move nothing for a while")
    maintenance.add_argument("word", choices=["on", "off"], metavar="on|off")
    _add_waiting(maintenance)
    confirm = verbs.add_parser(
        Verb.CONFIRM_PEER_DOWN.value, help="tell that the lost peer is really switched off"
    )
    confirm.add_argument("peer", nargs="?", metavar="NODE", help="its name, lest it is another")
    _add_waiting(confirm)
    clear = verbs.add_parser(Verb.CLEAR_FAILURE.value, help="try again what failed on this node")
    clear.add_argument("group", nargs="?", metavar="GROUP", help="one group (all)")
    _add_waiting(clear)
    _add_asking(verbs.add_parser("reload", help="read the configuration anew"))
    _add_export(verbs.add_parser("export", help="write the files as another cluster's"))
    return parser


def _add_past(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    history = verbs.add_parser("history", help="show the last moves of groups")
    history.add_argument("--json", action="store_true", help="for programs")
    history.add_argument(
        "-n", "--number", type=_number, default=20, metavar="N", help="how many; 0: all (20)"
    )
    explain = verbs.add_parser("explain", help="show why groups moved, step by step")
    explain.add_argument("--json", action="store_true", help="for programs")
    explain.add_argument(
        "transition", nargs="?", metavar="TRANSITION", help="its id, or the end of it (the last)"
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", choices=["pacemaker"], metavar="pacemaker", help="which one")
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="where to")
    parser.add_argument(
        "--config-dir", type=Path, default=Path("/etc/ha.d"), metavar="DIR", help="the files"
    )
    parser.add_argument("--node", metavar="NODE", help="read them as this node (this machine)")
    parser.add_argument(
        "--fencing",
        choices=[word.value for word in Fencing],
        metavar="WORD",
        help="in place of the directive in ha.cf",
    )
    parser.add_argument(
        "--address",
        action="append",
        default=[],
        metavar="NODE/INTERFACE=ADDRESS",
        help="where a node is, if this machine cannot tell",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 0 to {MOST}")
    return int(text)


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
    _add_waiting(parser)


def _add_waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-wait", dest="wait", action="store_false", help="do not wait for the result"
    )
    _add_asking(parser)


def _add_asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-ask-password",
        dest="ask_password",
        action="store_false",
        help="fail where a password would be needed",
    )
