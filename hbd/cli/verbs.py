"""What each verb does: ask the daemon, show what it says, give the exit status."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass

from hbd.bus.names import Interface, Verb
from hbd.cli import agent, show
from hbd.cli.client import Client, JobEnd, boot_usec, connected
from hbd.cli.ink import printable
from hbd.cli.lasts import Lasts
from hbd.cli.outcome import Exit, Trouble, of_result
from hbd.cli.picture import picture
from hbd.cli.progress import Progress, States, Steps
from hbd.cli.terminal import is_terminal, style_of
from hbd.cli.view import Objects, group_names, status_view
from hbd.cluster.terms import Scope


@dataclass(frozen=True, slots=True)
class Request:
    """A verb that becomes a job, as asked for on the command line."""

    verb: Verb
    target: str  # a scope's word or a group's name; empty for verbs without groups
    is_group: bool
    wait: bool
    ask: bool  # whether a person may be asked for a password


async def status(*, as_json: bool) -> Exit:
    """Print the state of nodes, links and groups: on a terminal as a picture."""
    async with connected() as client:
        view = await Lasts().read(client)
    now_usec = boot_usec()
    if as_json:
        print(show.as_json(view, now_usec))
    elif is_terminal(sys.stdout):
        print(picture(view, now_usec, style_of(sys.stdout)))
    else:
        print(show.as_text(view, now_usec))
    return Exit.DONE


async def links(*, as_json: bool) -> Exit:
    """Print the links and what each has counted."""
    async with connected() as client:
        view = status_view(await client.objects())
    now_usec = boot_usec()
    print(show.links_as_json(view, now_usec) if as_json else show.links_as_text(view, now_usec))
    return Exit.DONE


async def failback(*, wait: bool, ask: bool) -> Exit:
    """Bring every group to the node it prefers: those of this node here, the others there."""
    async with connected() as client:
        view = status_view(await client.objects())
    astray = [group for group in view.groups if group.owner != group.preferred]
    wanted = {
        Verb.TAKEOVER: any(group.preferred == view.node for group in astray),
        Verb.STANDBY: any(group.preferred != view.node for group in astray),
    }
    statuses = [
        await move(Request(verb, Scope.FAILBACK.value, is_group=False, wait=wait, ask=ask))
        for verb, is_wanted in wanted.items()
        if is_wanted
    ]
    return next((status for status in statuses if status is not Exit.DONE), Exit.DONE)


async def confirm_peer_down(peer: str | None, *, wait: bool, ask: bool) -> Exit:
    """Tell the daemon that the peer is off; its name must be given, lest it is the wrong one."""
    async with connected() as client:
        view = status_view(await client.objects())
    if peer is None:
        if not sys.stdin.isatty():
            raise Trouble(
                Exit.USAGE, f"name the node that is off: hbctl confirm-peer-down {view.peer}"
            )
        print(
            f"If {view.peer} is not really switched off, the shared disk is destroyed.\n"
            f"Type the name of the node that is off: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        peer = sys.stdin.readline().strip()
    if peer != view.peer:
        raise Trouble(Exit.USAGE, f"the peer is {view.peer}, not '{printable(peer)}'")
    return await move(Request(Verb.CONFIRM_PEER_DOWN, "", is_group=False, wait=wait, ask=ask))


async def reload(*, ask: bool) -> Exit:
    """Let the daemon read its configuration anew, and print what differs."""
    async with connected() as client, agent.on_this_terminal(client) if ask else nullcontext():
        lines = await client.reload(ask=ask)
    for line in lines:
        print(printable(line))
    if not lines:
        print("nothing has changed")
    return Exit.DONE


async def move(request: Request) -> Exit:
    """Ask for what the verb does and, unless told not to, wait for the end of it.

    With `wait`, progress goes to standard error. Without, the job's path goes to standard output.
    """
    begun_usec = boot_usec()
    async with connected() as client:
        await client.listen()
        progress = _progress(await client.objects()) if request.wait else None
        async with agent.on_this_terminal(client) if request.ask else nullcontext():
            job = await client.submit(
                request.verb, request.target, is_group=request.is_group, ask=request.ask
            )
        if progress is None:
            print(job)
            return Exit.DONE
        end = await _end(client, job, progress)
    status = of_result(end.result)
    why = f": {printable(end.why)}" if end.why else ""
    took = ""
    if is_terminal(sys.stderr):
        took = f" after {(boot_usec() - begun_usec) / 1e6:.2f} s"
    if status is not Exit.DONE or why or took:
        print(f"hbctl: {request.verb} {printable(end.result)}{took}{why}", file=sys.stderr)
    return status


async def _end(client: Client, job: str, progress: Progress) -> JobEnd:
    """Show what changes until the job is over."""
    try:
        async for news in client.follow(job):
            if isinstance(news, JobEnd):
                return news
            _say(progress.feed(news.path, news.properties, boot_usec()))
    finally:
        _say(progress.close())
    raise AssertionError("following ends with the job's end")


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _progress(objects: Objects) -> Progress:
    """Steps with their times on a terminal, else every state."""
    names = group_names(objects)
    if not is_terminal(sys.stderr):
        return States(names)
    groups = {path: name for path, name in names.items() if Interface.GROUP in objects[path]}
    resources = {path: name for path, name in names.items() if path not in groups}
    return Steps(resources, groups, status_view(objects).peer)
