"""A user's desktop session on a node, as a display manager begins it: seen by logind as active.

The session is a service with a PAM session of its own (`PAMName=`), on the seat of the node. In it
run an X server that draws into memory, a window manager and a polkit agent; what belongs to
graphical-session.target is started by the user's own systemd.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.host import Finished
from tests.lab.harness.node import Node

OUT = Path(__file__).parents[3] / "out" / "screenshots"
BEGINS_WITHIN = 60.0  # s: three on a quiet machine
WINDOW_WITHIN = 30.0
DISPLAY = ":1"
BROWSER = "lab-browser"
TERMINAL = "lab-terminal"
READY = "lab-session"
SERVER = "dunst.service"
AGENT_IS_THERE = "Registered Authentication Agent for unix-session:"

_SESSION = f"""#!/bin/sh
# What a display manager and a session do, in a few lines.
set -eu
# NO_AT_BRIDGE: nobody reads this screen aloud.
export DISPLAY={DISPLAY} NO_AT_BRIDGE=1
Xvfb "$DISPLAY" -screen 0 1280x800x24 -nolisten tcp -noreset &
until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.05; done
dbus-update-activation-environment --systemd DISPLAY XDG_SESSION_TYPE XDG_SESSION_ID NO_AT_BRIDGE
openbox &
lxpolkit &
systemctl --user start lab-session.target
echo begun | systemd-cat --identifier={READY}
wait
"""
_TARGET = """[Unit]
Description=The session of the lab
BindsTo=graphical-session.target
"""
# The browser that writes down where it was sent.
_BROWSER = f"""#!/bin/sh
echo "$1" | systemd-cat --identifier={BROWSER}
"""
_BROWSER_ENTRY = f"""[Desktop Entry]
Type=Application
Name=A browser that writes down where it was sent
Exec=/usr/local/bin/{BROWSER} %u
MimeType=x-scheme-handler/https;
"""
_DEFAULTS = f"""[Default Applications]
x-scheme-handler/https={BROWSER}.desktop
"""
_DUNST = """[global]
font = DejaVu Sans 11
width = 420
max_icon_size = 64
"""

FILES = {
    "/etc/default/locale": ("LANG=C.UTF-8\n", 0o644),
    "/usr/local/bin/lab-session": (_SESSION, 0o755),
    "/etc/systemd/user/lab-session.target": (_TARGET, 0o644),
    f"/usr/local/bin/{BROWSER}": (_BROWSER, 0o755),
    f"/usr/share/applications/{BROWSER}.desktop": (_BROWSER_ENTRY, 0o644),
    "/etc/xdg/mimeapps.list": (_DEFAULTS, 0o644),
    "/etc/xdg/dunst/dunstrc.d/10-lab.conf": (_DUNST, 0o644),
}


@dataclass(frozen=True, slots=True)
class Session:
    """What can be done in a session, by its user and for a look at it."""

    node: Node
    user: str
    uid: int

    def enter(self, argv: Sequence[str]) -> list[str]:
        """`argv` with the session's environment. It is no part of the session: see `started`."""
        runtime = f"/run/user/{self.uid}"
        bus = f"DBUS_SESSION_BUS_ADDRESS=unix:path={runtime}/bus"
        return ["env", f"XDG_RUNTIME_DIR={runtime}", bus, f"DISPLAY={DISPLAY}", *argv]

    async def run(
        self, argv: Sequence[str], *, check: bool = True, within: float = 60.0
    ) -> Finished:
        """Run a tool that looks at the session or drives it."""
        return await self.node.run(self.enter(argv), user=self.user, check=check, within=within)

    async def systemctl(self, *words: str, check: bool = True) -> str:
        """The user's own systemd."""
        return (await self.run(["systemctl", "--user", *words], check=check)).out.strip()

    async def started(self, argv: Sequence[str], *, within: float = 60.0) -> Finished:
        """Run a program as the desktop does it, in the session and without a terminal."""
        words = ["systemd-run", "--user", "--quiet", "--scope", "--", *argv]
        return await self.run(words, check=False, within=within)

    async def in_terminal(self, command: str) -> str:
        """Run a shell's command in a terminal window; its end and status go to the journal.

        Returns the journal's cursor before that.
        """
        place = await self.node.journal.cursor()
        script = (
            f'script -qefc "{command}" terminal.log; '
            f"echo status $? | systemd-cat --identifier={TERMINAL}; read -r _"
        )
        home = f"--working-directory=/home/{self.user}"
        words = ["systemd-run", "--user", "--quiet", "--collect", home, "--"]
        look = [
            "xterm",
            "-title",
            "Terminal",
            "-fa",
            "DejaVu Sans Mono",
            "-fs",
            "11",
            "-geometry",
            "96x16+30+30",
        ]
        await self.run([*words, *look, "-e", "sh", "-c", script])
        return place

    async def window(self, title: str) -> str:
        """The visible window with that title, once there is one."""
        words = ["xdotool", "search", "--sync", "--onlyvisible", "--name", f"^{title}$"]
        return (await self.run(words, within=WINDOW_WITHIN)).out.split()[0]

    async def types(self, text: str) -> None:
        """Type into the window that has the keyboard, and press Enter."""
        await self.run(["xdotool", "type", "--delay", "20", text])
        await self.press("Return")

    async def press(self, key: str) -> None:
        """Press one key."""
        await self.run(["xdotool", "key", key])

    async def screenshot(self, name: str) -> Path:
        """A picture of the whole screen below the tests' output folder."""
        inside = f"/home/{self.user}/screen.png"
        await self.run(["scrot", "--overwrite", inside])
        OUT.mkdir(parents=True, exist_ok=True)
        picture = OUT / f"desktop-{name}.png"
        picture.write_bytes((self.node.root / inside.lstrip("/")).read_bytes())
        return picture


@asynccontextmanager
async def desktop(node: Node, user: str) -> AsyncIterator[Session]:
    """`user` sits at the node from here on, until the end of the block."""
    uid = int((await node.run(["id", "--user", user])).out)
    session = Session(node, user, uid)
    unit = f"desktop-{user}.service"
    place = await node.journal.cursor()
    kind = "XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_SEAT=seat0"
    work = f"WorkingDirectory=/home/{user}"
    properties = [f"User={user}", "PAMName=login", f"Environment={kind}", work]
    words = [f"--property={each}" for each in properties]
    try:
        await node.run(
            ["systemd-run", "--collect", "--unit", unit, *words, "/usr/local/bin/lab-session"]
        )
        # Its processes are in logind's scope and not in the unit's: it cannot tell systemd itself.
        await node.journal.wait_for(f"SYSLOG_IDENTIFIER={READY}", within=BEGINS_WITHIN, after=place)
        await node.journal.wait_for(
            within=BEGINS_WITHIN, after=place,
            until=lambda entry: AGENT_IS_THERE in str(entry.get("MESSAGE")),
        )  # fmt: skip
        yield session
    finally:
        if node.is_on:
            # what draws ends before its X server, and who is on the bus before that
            await session.systemctl("stop", "lab-session.target", SERVER, check=False)
            await node.run(["systemctl", "stop", f"user@{uid}.service", unit], check=False)
