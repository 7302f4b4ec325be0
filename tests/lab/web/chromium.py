"""Debian's Chromium, without a window, on a machine of its own: the client's place on the LAN.

The machine is a root file system over the nodes' image and the client's network namespace; nothing
is booted in it. Its processes have a pid namespace of their own and end with the first of them.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, end
from tests.lab.web.tab import DESK, Size, Tab
from tests.lab.web.wire import LONGEST, Refused, Wire

PROGRAM = "/usr/bin/chromium-headless-shell"
_SHOWN = 2000  # characters of what Chromium wrote, in an error

# $1 is the root. What is mounted here is seen by the browser alone. The protocol's two pipes come
# as standard input and output.
_ENTER = """
root=$1; shift
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
exec 3<&0 4>&1 </dev/null >&2
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin "$@"
"""
_FLAGS = (
    "--remote-debugging-pipe",
    "--no-sandbox",  # it is root, in namespaces of its own
    "--ignore-certificate-errors",  # cockpit-ws signs its certificate itself
    "--user-data-dir=/tmp/chromium",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",  # letters look alike on every machine
)


class Chromium:
    """One running browser. Each tab is a person's of their own: no cookie is shared."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def __aenter__(self) -> Chromium:
        root = await self._lab.add_root("browser")
        self._log = root.with_name("browser.log")
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                "ip", "netns", "exec", self._lab.network.namespace("client"),
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private",
                "sh", "-ec", _ENTER, "sh", str(root), PROGRAM, *_FLAGS,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                start_new_session=True, limit=LONGEST,
            )  # fmt: skip
        self._lab.note_process(self._process.pid)
        assert self._process.stdout is not None, "asked for pipes"
        assert self._process.stdin is not None, "asked for pipes"
        self._wire = Wire(self._process.stdout, self._process.stdin)
        try:
            await self._wire.call("Browser.getVersion")
        except Refused as error:
            await self.__aexit__(None, None, None)
            raise LabError(f"Chromium does not start: {self.said()}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.close()
        await end(self._process)

    def said(self) -> str:
        """The end of what Chromium wrote of itself."""
        return self._log.read_text(errors="replace")[-_SHOWN:]

    async def tab(self, size: Size = DESK) -> Tab:
        """A tab of a person who was never here before."""
        profile = (await self._wire.call("Target.createBrowserContext"))["browserContextId"]
        target = await self._wire.call(
            "Target.createTarget", url="about:blank", browserContextId=profile
        )
        attached = await self._wire.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        tab = Tab(self._wire, attached["sessionId"], profile)
        await tab.open(size)
        return tab
