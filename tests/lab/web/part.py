"""What a person finds on a page: by role and name, as a screen reader tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.lab.harness.host import LabError
from tests.lab.web.tab import SEEN_WITHIN, Tab
from tests.lab.web.wire import Message, Refused

# Where to click: the middle, once it is in sight, stands still and nothing lies over it.
_POINT = """
async function () {
    this.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
    const box = () => this.getBoundingClientRect();
    const before = box();
    await new Promise((done) => setTimeout(done, 50));
    const after = box();
    if (before.x !== after.x || before.y !== after.y || !after.width) return null;
    let [x, y] = [after.x + after.width / 2, after.y + after.height / 2];
    const hit = this.ownerDocument.elementFromPoint(x, y);
    if (!hit || !(this.contains(hit) || hit.contains(this) || this.labels?.[0]?.contains(hit)))
        return null;
    for (let view = this.ownerDocument.defaultView; view.frameElement; view = view.parent) {
        const frame = view.frameElement.getBoundingClientRect();
        x += frame.x; y += frame.y;
    }
    return [x, y];
}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One element. It is found anew for each deed if the page draws it anew."""

    tab: Tab
    role: str
    name: str
    value: str
    properties: dict[str, Any]
    element: int  # the backend's number for it

    @property
    def is_disabled(self) -> bool:
        """Whether it says that it cannot be used now."""
        return bool(self.properties.get("disabled", False))

    async def ask(self, function: str) -> Any:  # noqa: ANN401 - whatever JavaScript says
        """What a JavaScript function is worth that has the element as `this`."""
        resolved = await self.tab.call("DOM.resolveNode", backendNodeId=self.element)
        told = await self.tab.call(
            "Runtime.callFunctionOn", objectId=resolved["object"]["objectId"],
            functionDeclaration=function, returnByValue=True, awaitPromise=True,
        )  # fmt: skip
        if "exceptionDetails" in told:
            raise Refused(f"{self.role} “{self.name}”: {told['exceptionDetails']}")
        return told["result"].get("value")

    async def text(self) -> str:
        """What it shows."""
        return str(await self.ask("function () { return this.innerText; }"))

    async def focus(self) -> None:
        """Put the cursor into it."""
        await self.tab.call("DOM.focus", backendNodeId=self.element)

    async def click(self) -> None:
        """Press it with the mouse, once it can be hit."""

        async def point() -> list[float] | None:
            found: list[float] | None = await self.ask(_POINT)
            return found

        x, y = await self.tab.until(point, f"{self.role} “{self.name}”, free to be clicked")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            await self.tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)


class Document:
    """The newest document of a tab whose address has `where` in it: a page, or a frame in it."""

    def __init__(self, tab: Tab, where: str) -> None:
        self.tab = tab
        self.where = where

    async def context(self) -> int:
        """Its script context; waits until there is one."""

        async def look() -> int | None:
            return self.tab.frame(self.where)

        return await self.tab.until(look, f"a document {self.where}")

    async def evaluate(self, script: str) -> Any:  # noqa: ANN401 - whatever JavaScript says
        """What a script is worth in it."""
        return await self.tab.evaluate(script, await self.context())

    async def all(
        self, role: str, name: str | None = None, *, inside: Part | None = None
    ) -> list[Part]:
        """Every part of that role, and name if one is given, that is there now."""
        if inside is None:
            root = await self.tab.evaluate("document", await self.context(), by_value=False)
            below: dict[str, object] = {"objectId": root}
        else:
            below = {"backendNodeId": inside.element}
        if name is not None:
            below["accessibleName"] = name
        told = await self.tab.call("Accessibility.queryAXTree", role=role, **below)
        return [self._part(node) for node in told["nodes"] if not node["ignored"]]

    async def part(
        self,
        role: str,
        name: str | None = None,
        *,
        inside: Part | None = None,
        within: float = SEEN_WITHIN,
    ) -> Part:
        """The first part of that role and name, waited for."""

        async def look() -> Part | None:
            found = await self.all(role, name, inside=inside)
            return found[0] if found else None

        return await self.tab.until(look, f"{role} “{name or ''}”", within)

    async def gone(
        self, role: str, name: str | None = None, *, within: float = SEEN_WITHIN
    ) -> None:
        """Wait until there is no such part any more."""

        async def look() -> bool | None:
            return None if await self.all(role, name) else True

        await self.tab.until(look, f"no {role} “{name or ''}”", within)

    async def says(self, text: str, *, within: float = SEEN_WITHIN) -> None:
        """Wait until it shows `text`."""

        async def look() -> bool | None:
            shown = await self.evaluate("document.body.innerText")
            return True if text in (shown or "") else None

        try:
            await self.tab.until(look, text, within)
        except LabError as error:
            raise LabError(f"{error}; it shows: {await self.text()}") from error

    async def text(self) -> str:
        """All that it shows."""
        return str(await self.evaluate("document.body.innerText"))

    def _part(self, node: Message) -> Part:
        return Part(
            self.tab,
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            node.get("value", {}).get("value", ""),
            {told["name"]: told["value"].get("value") for told in node.get("properties", [])},
            node["backendDOMNodeId"],
        )
