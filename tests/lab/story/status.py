"""The state of the cluster as a node's hbd tells it on D-Bus: the same picture as hbctl's."""

from __future__ import annotations

import json
from typing import Any, Protocol

from hbd.bus.names import BUS_NAME, ROOT, Interface, Standard
from hbd.cli.view import GroupView, LinkView, StatusView, status_view
from tests.lab.harness.host import Finished


class Asked(Protocol):
    """A node, in a container or in a machine of its own."""

    @property
    def is_on(self) -> bool: ...

    async def busctl(self, *words: str, check: bool = True) -> Finished: ...


async def status(node: Asked) -> StatusView | None:
    """What the node's daemon says now; None while it is not on the bus."""
    if not node.is_on:
        return None
    own = await node.busctl(
        "call", BUS_NAME, ROOT, Standard.PROPERTIES, "GetAll", "s", Interface.MANAGER, check=False
    )
    below = await node.busctl(
        "call", BUS_NAME, ROOT, Standard.OBJECT_MANAGER, "GetManagedObjects", check=False
    )
    if own.status or below.status:
        return None
    objects = {ROOT: {str(Interface.MANAGER): _plain(json.loads(own.out)["data"][0])}}
    for path, interfaces in json.loads(below.out)["data"][0].items():
        objects[path] = {name: _plain(values) for name, values in interfaces.items()}
    return status_view(objects)


def group(view: StatusView, name: str) -> GroupView:
    """One group of the picture."""
    return next(group for group in view.groups if group.name == name)


def link(view: StatusView, name: str) -> LinkView:
    """One link of the picture."""
    return next(link for link in view.links if link.name == name)


def _plain(properties: dict[str, dict[str, Any]]) -> dict[str, object]:
    """busctl writes a variant as {"type": …, "data": …}."""
    return {name: variant["data"] for name, variant in properties.items()}
