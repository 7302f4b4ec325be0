"""cl_status(1), hb_standby(1) and hb_takeover(1): heartbeat's commands, for scripts that exist.

Arguments, output and exit statuses are heartbeat 3.0.6's. They ask hbd by its D-Bus API, as hbctl
does; people are better served by hbctl(1).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NoReturn

from hbd.bus.names import Verb
from hbd.cli import agent, original
from hbd.cli import heartbeat_view as words
from hbd.cli.client import connected
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.view import StatusView, status_view
from hbd.cluster.terms import Scope

# cl_status gives up after so long: monitoring must not pile up behind a daemon that is stuck.
ANSWER_SECONDS = 5.0

RUNS = "Heartbeat is running on this machine."
STOPPED = "Heartbeat is stopped on this machine."


class Status(IntEnum):
    """The exit statuses of cl_status."""

    OK = 0
    DOWN = 1  # the thing asked for is down or not set, or hbd does not run
    USAGE = 11
    TIMEOUT = 12
    FAILED = 13


Answer = tuple[Status, str]  # and what to print, if anything
_Answerer = Callable[[StatusView, argparse.Namespace], Answer]


class _Parser(argparse.ArgumentParser):
    """An argument parser that leaves with heartbeat's status for a typing error."""

    mistake: int = Status.USAGE

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(self.mistake, f"{self.prog}: {message}\n")


class _MoveParser(_Parser):
    mistake = 1


def cl_status(arguments: Sequence[str] | None = None) -> int:
    """Answer one question about the cluster; the exit status is one of `Status`."""
    if arguments is None:
        original.instead("cl_status", sys.argv[1:])
    parser = _questions()
    chosen = parser.parse_args(arguments)
    if chosen.question is None:
        parser.print_help()
        return Status.OK
    try:
        view = asyncio.run(_picture())
    except Trouble as trouble:
        if chosen.question == "hbstatus" and trouble.status in (Exit.NOT_RUNNING, Exit.NO_BUS):
            print(STOPPED)
            return Status.DOWN
        print(f"cl_status: {trouble}", file=sys.stderr)
        return _status_of(trouble)
    answer: _Answerer = chosen.answer
    status, text = answer(view, chosen)
    if text:
        print(text, file=sys.stderr if status > Status.DOWN else sys.stdout)
    return status


def hb_standby(arguments: Sequence[str] | None = None) -> int:
    """Ask for groups to be given away. 0: hbd has accepted it; it goes on by itself."""
    return _move("hb_standby", Verb.STANDBY, arguments)


def hb_takeover(arguments: Sequence[str] | None = None) -> int:
    """Ask for groups to be taken over. 0: hbd has accepted it; it goes on by itself."""
    return _move("hb_takeover", Verb.TAKEOVER, arguments)


def _move(name: str, verb: Verb, arguments: Sequence[str] | None) -> int:
    if arguments is None:
        original.instead(name, sys.argv[1:])
    parser = _MoveParser(prog=name, description=f"`hbctl {verb} --no-wait` in other words.")
    scopes = [scope.value for scope in Scope]
    parser.add_argument("scope", nargs="?", choices=scopes, default=Scope.ALL.value)
    scope: str = parser.parse_args(arguments).scope
    try:
        asyncio.run(_submit(verb, scope))
    except Trouble as trouble:
        print(f"{name}: {trouble}", file=sys.stderr)
        return 1
    if verb is Verb.STANDBY:
        print(f"Going standby [{scope}].")
    return 0


async def _picture() -> StatusView:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), connected() as client:
            return status_view(await client.objects())
    except TimeoutError as error:
        raise Trouble(Exit.TIMEOUT, f"no answer within {ANSWER_SECONDS:g} s") from error


async def _submit(verb: Verb, scope: str) -> None:
    async with connected() as client, agent.on_this_terminal(client):
        await client.submit(verb, scope, is_group=False, ask=True)


def _status_of(trouble: Trouble) -> Status:
    known = {
        Exit.NOT_RUNNING: Status.DOWN,
        Exit.NO_BUS: Status.DOWN,
        Exit.TIMEOUT: Status.TIMEOUT,
    }
    return known.get(trouble.status, Status.FAILED)


def _questions() -> argparse.ArgumentParser:
    """The sub-commands; each brings the function that answers it."""
    parser = _Parser(
        prog="cl_status", description="Ask about the cluster in heartbeat's words. cl_status(1)"
    )
    parser.set_defaults(question=None)
    below = parser.add_subparsers(dest="question", metavar="SUB-COMMAND", parser_class=_Parser)

    def add(name: str, answer: _Answerer, about: str, *of: str) -> argparse.ArgumentParser:
        question = below.add_parser(name, help=about)
        question.set_defaults(answer=answer)
        question.add_argument("-m", dest="human", action="store_true", help="for people")
        for argument in of:
            question.add_argument(argument, metavar=argument.upper())
        return question

    _add_verbose(add("hbstatus", _hbstatus, "whether heartbeat runs here"))
    listing = add("listnodes", _listnodes, "the nodes")
    listing.add_argument("-p", dest="ping", action="store_true", help="ping nodes only")
    listing.add_argument("-n", dest="normal", action="store_true", help="the cluster's only")
    _add_verbose(listing)
    add("nodestatus", _nodestatus, "what is believed of a node", "node")
    add("nodetype", _nodetype, "normal or ping", "node")
    _add_verbose(add("listhblinks", _listhblinks, "the links to a node", "node"))
    add("hblinkstatus", _hblinkstatus, "up or dead", "node", "link")
    add("rscstatus", _rscstatus, "which resources this node holds")
    value = add("hbparameter", _hbparameter, "the value of a directive of ha.cf")
    value.add_argument("-p", dest="parameter", metavar="NAME", required=True, help="which one")
    return parser


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", dest="verbose", action="store_true", help="with types and statuses")


# --- answers --------------------------------------------------------------------------------------


def _hbstatus(view: StatusView, chosen: argparse.Namespace) -> Answer:
    if not chosen.verbose:
        return Status.OK, RUNS
    if chosen.human:
        head = [f"Heartbeat version hbd {view.version}", 'Resources controlled by "haresources"']
    else:
        head = [f"version:\thbd {view.version}", 'managed by:\t"haresources"']
    return Status.OK, "\n".join([*head, *_node_lines(view, list(words.nodes(view)))])


def _listnodes(view: StatusView, chosen: argparse.Namespace) -> Answer:
    only = {words.PING: chosen.ping, words.NORMAL: chosen.normal}
    both = chosen.ping == chosen.normal
    names = [name for name, kind in words.nodes(view).items() if both or only[kind]]
    lines = _node_lines(view, names) if chosen.verbose else names
    return Status.OK, "\n".join([*(["The nodes are:"] if chosen.human else []), *lines])


def _nodestatus(view: StatusView, chosen: argparse.Namespace) -> Answer:
    status = words.node_status(view, chosen.node)
    if status is None:
        return _no_node(chosen.node)
    text = f"The cluster node {chosen.node} is {status}" if chosen.human else status
    return Status.OK if status in words.ALIVE else Status.DOWN, text


def _nodetype(view: StatusView, chosen: argparse.Namespace) -> Answer:
    kind = words.nodes(view).get(chosen.node)
    if kind is None:
        return _no_node(chosen.node)
    return Status.OK, f"The node {chosen.node}'s type: {kind}" if chosen.human else kind


def _listhblinks(view: StatusView, chosen: argparse.Namespace) -> Answer:
    links = words.links(view, chosen.node)
    if links is None:
        return Status.FAILED, f"cl_status: no node {chosen.node}"
    head = ["\tthis node has the following heartbeat links:"] if chosen.human else []
    lines = [f"\t{name}\t{status}" if chosen.verbose else f"\t{name}"
             for name, status in links.items()]  # fmt: skip
    return Status.OK, "\n".join([*head, *lines])


def _hblinkstatus(view: StatusView, chosen: argparse.Namespace) -> Answer:
    status = words.link_status(view, chosen.node, chosen.link)
    if status is None:
        return Status.FAILED, f"cl_status: no link {chosen.link} of a node {chosen.node}"
    text = f"The node {chosen.node}'s heartbeat link {chosen.link} is {status}"
    return Status.OK if status == words.UP else Status.DOWN, text if chosen.human else status


def _rscstatus(view: StatusView, chosen: argparse.Namespace) -> Answer:
    held = words.resources(view)
    return Status.OK, f"This node is holding {held} resources." if chosen.human else held


def _hbparameter(view: StatusView, chosen: argparse.Namespace) -> Answer:
    value = words.parameter(view, chosen.parameter)
    if value is None:
        print(f"cl_status: no parameter {chosen.parameter}", file=sys.stderr)
        return Status.DOWN, ""
    text = f"Heartbeat parameter {chosen.parameter}'s value: {value}"
    return Status.OK, text if chosen.human else value


def _no_node(name: str) -> Answer:
    return Status.USAGE, f"cl_status: no node {name}"


def _node_lines(view: StatusView, names: list[str]) -> list[str]:
    """A block for each node: status, type, and its links below it."""
    kinds = words.nodes(view)
    lines: list[str] = []
    for name in names:
        lines += ["", f"{name}\t{words.node_status(view, name)}\t(nodetype: {kinds[name]})"]
        links = words.links(view, name) or {}
        lines += [f"\t{link}\t{status}" for link, status in links.items()]
    return lines
