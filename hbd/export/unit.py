"""A unit file around a resource script, since Pacemaker has no words for a script's arguments.

What hbd makes at run time under /run does more (it knows of holding); this is the plain unit that
Pacemaker's `systemd:` needs, to be put into /etc/systemd/system. Source: systemd.service(5).
"""

from __future__ import annotations

from typing import Final

from hbd.export.names import Names

# The article's scripts mount, check disks and wait for servers; Pacemaker's own limit comes first.
LIMIT: Final = "3min"


def name_of(word: str, arguments: tuple[str, ...], names: Names) -> str:
    """Not hbd's own name for it: a file in /etc would take the place of the one under /run.

    Without what systemd would escape, and without colons, which part an agent's name.
    """
    return names.of("haresources", "-".join((word, *arguments))) + ".service"


def unit_file(
    script: str, arguments: tuple[str, ...], environment: tuple[tuple[str, str], ...], head: str
) -> str:
    """The text of the unit."""
    given = [f"Environment={_quoted(f'HA_{name}={value}')}" for name, value in environment]
    called = " ".join([_quoted(script), *(_quoted(word).replace("$", "$$") for word in arguments)])
    lines = [
        f"# {head}",
        "[Unit]",
        f"Description=Resource script {script.rpartition('/')[2]}",
        "After=network.target",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        *given,
        f"ExecStart={called} start",
        f"ExecStop={called} stop",
        f"TimeoutSec={LIMIT}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    escaped = value.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
