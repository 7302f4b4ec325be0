"""One tab: where it goes, what it shows as a whole, its keyboard and its pictures.

A tab hears of every change of its documents: a script of ours in each of them watches for mutations
and says so. So who waits for something looks again at each change, until a deadline.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.lab.harness.host import LabError, now
from tests.lab.web.wire import Message, Refused, Wire

T = TypeVar("T")

SEEN_WITHIN = 60.0  # s for what takes well below 1 on a quiet machine
LOOKS_AGAIN = 0.2  # s: what gives no event of its own (focus, a layout that settles) is seen so

_BINDING = "hbdLabChanged"
_WATCH = f"""
new MutationObserver(() => globalThis.{_BINDING}("")).observe(
    document, {{childList: true, subtree: true, attributes: true, characterData: true}});
"""
_KEYS = {  # name -> (code, number, text)
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "Escape": ("Escape", 27, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
}
_SHIFT = 8  # the protocol's bit for it


@dataclass(frozen=True, slots=True)
class Size:
    """A window, in CSS pixels; `is_phone` adds a touch screen and a phone's way to lay out."""

    width: int
    height: int
    is_phone: bool = False


DESK = Size(1280, 900)
TABLET = Size(768, 1024)
PHONE = Size(360, 740, is_phone=True)


class Tab:
    """A tab of `Chromium.tab`. `complaints` are its documents' errors on the console."""

    def __init__(self, wire: Wire, session: str, profile: str) -> None:
        self._wire = wire
        self._session = session
        self._profile = profile
        self._changed = asyncio.Event()
        self._contexts: dict[int, str] = {}  # execution context -> frame, oldest first
        self._urls: dict[str, str] = {}  # frame -> where it is
        self.size = DESK
        self.complaints: list[str] = []

    async def open(self, size: Size) -> None:
        """Begin to listen; nothing is loaded yet."""
        self._wire.listen(self._session, self._heard)
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
            await self.call(f"{domain}.enable")
        await self.call("Runtime.addBinding", name=_BINDING)
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
        await self.resize(size)

    async def close(self) -> None:
        """Close the tab and forget its person: cookies, storage, cache."""
        with contextlib.suppress(Refused):
            await self._wire.call("Target.disposeBrowserContext", browserContextId=self._profile)

    async def call(self, method: str, **params: object) -> Message:
        """One command of the protocol to this tab."""
        return await self._wire.call(method, self._session, **params)

    async def go(self, url: str) -> None:
        """Begin to load `url`, as if typed into the address line."""
        told = await self.call("Page.navigate", url=url)
        if "errorText" in told:
            raise LabError(f"{url}: {told['errorText']}")

    async def reload(self) -> None:
        """Press F5."""
        await self.call("Page.reload")

    # --- what it shows --------------------------------------------------------------------------

    def frame(self, where: str) -> int | None:
        """The script context of the newest document whose address has `where` in it; None: none."""
        fitting = [
            context
            for context, frame in self._contexts.items()
            if where in self._urls.get(frame, "")
        ]
        return fitting[-1] if fitting else None

    async def evaluate(self, script: str, context: int, *, by_value: bool = True) -> Any:  # noqa: ANN401 - whatever JavaScript says
        """What a script is worth in that document, its promise fulfilled; or a remote object."""
        told = await self.call(
            "Runtime.evaluate", expression=script, contextId=context, awaitPromise=True,
            returnByValue=by_value, userGesture=True,
        )  # fmt: skip
        if "exceptionDetails" in told:
            raise Refused(f"{script[:80]}: {told['exceptionDetails']}")
        return told["result"].get("value") if by_value else told["result"].get("objectId")

    async def until(
        self, look: Callable[[], Awaitable[T | None]], what: str, within: float = SEEN_WITHIN
    ) -> T:
        """Look again at each change until there is something; LabError, naming `what`, too late.

        A document that is replaced while one looks at it refuses to answer: then one looks again.
        """
        deadline = now() + within
        while True:
            self._changed.clear()
            with contextlib.suppress(Refused):
                if (found := await look()) is not None:
                    return found
            if now() > deadline:
                raise LabError(f"the page does not show in {within:g} s: {what}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOKS_AGAIN)

    # --- its owner's hands and eyes -------------------------------------------------------------

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press one key."""
        code, number, text = _KEYS[key]
        said = {
            "key": key, "code": code, "windowsVirtualKeyCode": number,
            "modifiers": _SHIFT if shift else 0,
        }  # fmt: skip
        down = "keyDown" if text else "rawKeyDown"
        await self.call("Input.dispatchKeyEvent", type=down, text=text, **said)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **said)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def resize(self, size: Size) -> None:
        """Look at it through another window."""
        self.size = size
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=size.width, height=size.height,
            deviceScaleFactor=1, mobile=size.is_phone,
        )  # fmt: skip
        await self.call("Emulation.setTouchEmulationEnabled", enabled=size.is_phone)

    async def prefer(self, **features: str) -> None:
        """What the person asks of every page: `color_scheme="dark"`, `reduced_motion="reduce"`."""
        asked = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        await self.call("Emulation.setEmulatedMedia", features=asked)

    async def photograph(self, path: Path) -> None:
        """Write what the window shows to a PNG file."""
        shot = await self.call("Page.captureScreenshot", format="png", optimizeForSpeed=False)
        await asyncio.to_thread(_write, path, base64.b64decode(shot["data"]))

    # --- what comes from it ---------------------------------------------------------------------

    def _heard(self, method: str, params: Message) -> None:
        match method:
            case "Runtime.executionContextCreated":
                context = params["context"]
                if context.get("auxData", {}).get("isDefault"):
                    self._contexts.pop(context["id"], None)
                    self._contexts[context["id"]] = context["auxData"]["frameId"]
            case "Runtime.executionContextDestroyed":
                self._contexts.pop(params["executionContextId"], None)
            case "Runtime.executionContextsCleared":
                self._contexts.clear()
            case "Page.frameNavigated":
                self._urls[params["frame"]["id"]] = params["frame"]["url"]
            case "Page.navigatedWithinDocument":
                self._urls[params["frameId"]] = params["url"]
            case "Page.frameDetached":
                self._urls.pop(params["frameId"], None)
            case _:
                self._note_complaint(method, params)
        self._changed.set()

    def _note_complaint(self, method: str, params: Message) -> None:
        match method:
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                thrown = details.get("exception", {}).get("description", details.get("text"))
                self.complaints.append(f"{details.get('url')}: {thrown}")
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                words = [str(arg.get("value", arg.get("description"))) for arg in params["args"]]
                frames = params.get("stackTrace", {}).get("callFrames", [])
                self.complaints.append(f"{frames[0]['url'] if frames else ''}: {' '.join(words)}")
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(f"{params['entry'].get('url')}: {params['entry']['text']}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
