"""What each verb does: ask the daemon, show what it says, give the exit status."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hbd.bus.names import Verb
from hbd.cli import show
from hbd.cli.client import Change, Client, JobEnd, connected
from hbd.cli.outcome import Exit, of_result
from hbd.cli.view import group_names, status_view


@dataclass(frozen=True, slots=True)
class Request:
    """A takeover or standby as asked for on the command line."""

    verb: Verb
    target: str  # a scope's word or a group's name
    is_group: bool
    wait: bool
    ask: bool  # whether a person may be asked for a password


async def status(now_usec: int, *, as_json: bool) -> Exit:
    """Print the state of nodes, links and groups."""
    async with connected() as client:
        view = status_view(await client.objects())
    print(show.as_json(view, now_usec) if as_json else show.as_text(view, now_usec))
    return Exit.DONE


async def move(request: Request) -> Exit:
    """Ask for groups to move and, unless told not to, wait for the end of it.

    With `wait`, progress goes to standard error. Without, the job's path goes to standard output.
    """
    async with connected() as client:
        await client.listen()
        names = group_names(await client.objects()) if request.wait else {}
        job = await client.submit(
            request.verb, request.target, is_group=request.is_group, ask=request.ask
        )
        if not request.wait:
            print(job)
            return Exit.DONE
        end = await _end(client, job, names)
    status = of_result(end.result)
    if status is not Exit.DONE:
        why = f": {show.printable(end.why)}" if end.why else ""
        print(f"hbctl: {request.verb} {end.result}{why}", file=sys.stderr)
    return status


async def _end(client: Client, job: str, names: dict[str, str]) -> JobEnd:
    async for news in client.follow(job):
        match news:
            case JobEnd():
                return news
            case Change(path, properties) if path in names:
                line = show.change(names[path], properties)
                if line is not None:
                    print(line, file=sys.stderr, flush=True)
    raise AssertionError("following ends with the job's end")
