"""The dependency rule: the folder is the layer, and a layer imports only what this table says.

The pure layers (`cluster`, `wire`) reach no clock, no socket, no file and no randomness; a library
is known to the one place that hides it; nothing but the entry point imports the runtime; and the
command line never imports the daemon.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field

import pytest

from tests.house.imports import Import, imports_of
from tests.house.tree import ROOT, modules, syntax

# functools is here for `partial`: a value like the others. (`cache` would be memory between steps.)
VALUES = frozenset({"__future__", "collections.abc", "dataclasses", "enum", "functools", "typing"})
SIGNATURES = frozenset({"base64", "binascii", "hashlib", "hmac"})
CORE_TYPES = frozenset(
    f"hbd.cluster.{name}"
    for name in ("action", "drift", "event", "keys", "node", "terms", "timing")
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer may import of ours beside itself, and of others'.

    `stdlib` None means all of it; the libraries are listed in LIBRARIES, by module.
    """

    ours: frozenset[str] = frozenset()
    stdlib: frozenset[str] | None = field(default=None)


ADAPTER = Layer(ours=CORE_TYPES | {"hbd.errors"})
# What asks a device may hang with it: one thread of its own for each such call.
HANGING = Layer(ours=ADAPTER.ours | {"hbd.threads"})
LAYERS = {
    "hbd.cluster": Layer(stdlib=VALUES),
    "hbd.wire": Layer(
        ours=frozenset({"hbd.cluster.terms", "hbd.cluster.keys", "hbd.errors"}),
        stdlib=VALUES | SIGNATURES,
    ),
    "hbd.story": Layer(
        ours=CORE_TYPES | {"hbd.cluster.change", "hbd.cluster.step"},
        stdlib=VALUES | frozenset({"types", "json", "zlib"}),
    ),
    "hbd.config": ADAPTER,
    "hbd.link": Layer(ours=ADAPTER.ours | {"hbd.wire"}),
    "hbd.r1": Layer(ours=CORE_TYPES | {"hbd.wire"}, stdlib=VALUES),
    "hbd.net": ADAPTER,
    "hbd.systemd": Layer(ours=HANGING.ours | {"hbd.rival"}),
    # It looks at what the others run: the words of the files, and systemd's names and limits. What
    # it must ask of the network or the peer is handed to it.
    "hbd.check": Layer(ours=ADAPTER.ours | {"hbd.config", "hbd.systemd"}),
    # Files in, files out: the words of the files, and which unit a word means.
    "hbd.export": Layer(ours=ADAPTER.ours | {"hbd.config", "hbd.systemd.resource"}),
    # And what it runs is not real-time.
    "hbd.fencing": Layer(ours=HANGING.ours | {"hbd.schedule"}),
    "hbd.bus": Layer(ours=ADAPTER.ours | {"hbd.__version__", "hbd.story.transition"}),
    "hbd.cli": Layer(
        ours=frozenset({"hbd.bus.names", "hbd.cluster.terms", "hbd.errors", "hbd.__version__"})
        | {"hbd.rival", "hbd.export", "hbd.config.load", "hbd.config.model"}
    ),
    # The notifier: what hbctl knows of the cluster, and a connection to the session's bus.
    "hbd.notify": Layer(
        ours=frozenset({"hbd.cli", "hbd.bus.connection", "hbd.cluster.terms", "hbd.errors"})
        | {"hbd.__version__"}
    ),
    "hbd.replay": Layer(
        ours=CORE_TYPES
        | {"hbd.cluster.change", "hbd.cluster.step"}
        | {"hbd.story", "hbd.errors", "hbd.__version__"}
    ),
    "hbd.runtime": Layer(ours=frozenset({"hbd"})),
    "hbd.__main__": Layer(ours=frozenset({"hbd"})),
    "hbd.errors": Layer(),
    "hbd.rival": Layer(),
    "hbd.schedule": Layer(),
    "hbd.threads": Layer(),
    "hbd.journal": Layer(ours=frozenset({"hbd.errors"})),
    "hbd": Layer(),
}

# Where each library is known: everywhere else its absence is what lets it be replaced in a day.
LIBRARIES = {
    "dbus_next": (
        "hbd.bus",
        "hbd.systemd",
        "hbd.cli.client",
        "hbd.cli.clientbus",
        "hbd.notify.desktop",
    ),
    "pyroute2": ("hbd.net",),
    "sdnotify": ("hbd.systemd.notify",),
    "serial": ("hbd.link.serial",),
}


def layer_of(module: str) -> str:
    """The longest entry of the table that the module is or lies below."""
    fits = (name for name in LAYERS if module == name or module.startswith(name + "."))
    return max(fits, key=len)


def offence(module: str, found: Import) -> str | None:
    """Why this module may not have this import; None if it may."""
    name = layer_of(module)
    layer = LAYERS[name]
    if found.top == "hbd":
        allowed = found.is_within(name) if name != "hbd" else False
        if allowed or any(found.is_within(ours) for ours in layer.ours):
            return None
        return f"{name} may not know {found.name}"
    if found.top in sys.stdlib_module_names:
        if layer.stdlib is None or found.name in layer.stdlib:
            return None
        return f"{name} is pure and may not use {found.name}"
    homes = LIBRARIES.get(found.top, ())
    if any(module == home or module.startswith(home + ".") for home in homes):
        return None
    return f"{found.top} is not known to {module}"


def offences(module: str, tree: ast.Module) -> list[str]:
    """Every breach of the rule in one file, as `module:line: why`."""
    known = frozenset(modules()) | {"hbd.__version__"}
    broken = [
        f"{module}:{found.line}: {why}"
        for found in imports_of(tree, known)
        if (why := offence(module, found)) is not None
    ]
    if LAYERS[layer_of(module)].stdlib is not None:
        broken += [f"{module}:{line}: a pure layer opens no file" for line in opened(tree)]
    return broken


def opened(tree: ast.Module) -> list[int]:
    """Lines that call the built-in open."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "open"
    ]


def test_every_import_stays_within_its_layer() -> None:
    """Goal: the picture in HACKING.md is true. Method: walk every import of every module."""
    broken = [line for name, path in modules().items() for line in offences(name, syntax(path))]
    assert broken == []


def test_every_folder_of_the_daemon_is_a_layer_of_the_table() -> None:
    """Goal: a new folder is a decision. Method: compare the folders with the table."""
    folders = {f"hbd.{path.name}" for path in (ROOT / "hbd").iterdir() if path.is_dir()}
    folders.discard("hbd.__pycache__")
    assert folders <= set(LAYERS)


def test_the_command_line_never_reaches_the_daemon() -> None:
    """Goal: hbctl starts fast and runs without the daemon's libraries but D-Bus.

    Method: follow the imports of the command line as far as they go, packages included. What works
    on the files alone reaches further, to what reads them: still no daemon and no library.
    """
    words_only = {"hbd.bus", "hbd.bus.names", "hbd.cluster", "hbd.cluster.terms"}
    assert beyond(reached_from("hbd.cli", but="hbd.cli.export")) <= words_only
    of_files = {layer_of(name) for name in beyond(reached_from("hbd.cli.export"))}
    assert of_files <= {"hbd.bus", "hbd.cluster", "hbd.config", "hbd.export", "hbd.systemd"}
    libraries = {
        found.top
        for name in reached_from("hbd.cli.export")
        for found in imports_of(syntax(modules()[name]), frozenset(modules()))
        if found.top in LIBRARIES
    }
    assert libraries == set()


def beyond(reached: set[str]) -> set[str]:
    """What of it is not the command line's own."""
    ours = ("hbd", "hbd.cli", "hbd.errors", "hbd.rival")
    return {name for name in reached if layer_of(name) not in ours}


def reached_from(begin: str, *, but: str = "hbd.nothing") -> set[str]:
    """Every module that is imported, however far away, by those whose name begins so."""
    known = frozenset(modules()) - {but}
    reached: set[str] = set()
    todo = [name for name in known if name.startswith(begin)]
    while todo:
        name = todo.pop()
        if name in reached or name not in known:
            continue
        reached.add(name)
        todo += [found.name for found in imports_of(syntax(modules()[name]), known)]
        todo += [name.rpartition(".")[0]]
    return reached


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("hbd.cluster.step", "import time"),
        ("hbd.cluster.step", "from os import path"),
        ("hbd.cluster.step", "from hbd.wire import message"),
        ("hbd.cluster.step", "def late() -> None:\n    import asyncio"),
        ("hbd.cluster.step", "open('/etc/hostname')"),
        ("hbd.cluster.step", "from hbd import runtime"),
        ("hbd.wire.auth", "import random"),
        ("hbd.wire.auth", "from hbd.cluster.node import Node"),
        ("hbd.link.udp", "from hbd.net.carrier import CarrierWatch"),
        ("hbd.link.udp", "import serial"),
        ("hbd.config.check", "from hbd.runtime.daemon import Daemon"),
        ("hbd.cli.show", "import dbus_next"),
        ("hbd.cli.show", "from hbd.bus.endpoint import Endpoint"),
        ("hbd.net.address", "import yaml"),
        ("hbd.bus.endpoint", "__import__('hbd.runtime')"),
        ("hbd.bus.endpoint", "import importlib\nimportlib.import_module(f'pyroute2.{part}')"),
        ("hbd.bus.endpoint", "__import__(name)"),
    ],
)
def test_a_breach_is_seen(module: str, source: str) -> None:
    """Goal: the rule itself is awake. Method: sources that break it, one way each."""
    assert len(offences(module, ast.parse(source))) == 1
