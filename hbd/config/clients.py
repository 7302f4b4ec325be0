"""The lines of ha.cf(5) about other programs: `(draft, line, value)`.

heartbeat started programs and let them in by its own socket; hbd leaves the first to systemd and
the second to D-Bus and polkit. The lines are judged as before, so that a typing error shows.
"""

from __future__ import annotations

import re

from hbd.config.draft import Draft
from hbd.config.findings import BadValue, quoted
from hbd.config.values import words

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def respawn(draft: Draft, line: int, value: str) -> None:
    """`respawn USER /PATH [ARGS]`, and `failfast` alike."""
    match words(value):
        case [user, program, *_]:
            if not draft.surroundings.user_exists(user):
                raise BadValue(f"there is no user {quoted(user)}", "write an existing user")
            if not program.startswith("/"):
                why = f"{quoted(program)} is not an absolute path"
                raise BadValue(why, "write the program with its whole path")
            if not draft.surroundings.is_executable(program):
                why = f"{quoted(program)} is no program that can be run"
                raise BadValue(why, "install it or delete the line")
        case _:
            raise BadValue("user and program are both needed", "write USER /PATH [ARGUMENTS]")


def apiauth(draft: Draft, line: int, value: str) -> None:
    """`apiauth CLIENT [uid=LIST] [gid=LIST]`; at least one list, each client once."""
    form = "write apiauth CLIENT uid=LIST gid=LIST"
    client, *lists = words(value)
    if client in draft.api_clients:
        why = f"the client {quoted(client)} is already in line {draft.api_clients[client]}"
        raise BadValue(why, "merge the two lines")
    if not lists:
        raise BadValue("neither uid= nor gid= is given", form)
    for word in lists:
        key, equals, names = word.partition("=")
        if key not in ("uid", "gid") or not equals or not names.strip(","):
            raise BadValue(f"{quoted(word)} is neither uid=LIST nor gid=LIST", form)
    draft.api_clients[client] = line


def env(draft: Draft, line: int, word: str) -> None:
    """`env NAME=VALUE...`."""
    name, equals, value = word.partition("=")
    if not equals or not _VARIABLE.fullmatch(name):
        raise BadValue("it does not begin with NAME=", "write env NAME=VALUE")
    if name in draft.env:
        draft.findings.warning(line, f"env {name}: replaces the earlier value")
    draft.env[name] = value
