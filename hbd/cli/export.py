"""`hbctl export pacemaker`: the three files as another cluster's, without asking the daemon."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hbd import __version__
from hbd.cli.ink import printable
from hbd.cli.outcome import Exit, Trouble
from hbd.cluster.terms import Fencing, NodeName
from hbd.config.load import load
from hbd.config.model import Config
from hbd.errors import AdapterError, ConfigError
from hbd.export.pacemaker import exported
from hbd.export.remark import Weight
from hbd.export.rings import Given
from hbd.export.site import Elsewhere, ThisSite
from hbd.export.write import write


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said on the command line; None: as the files or this machine have it."""

    folder: Path
    config_dir: Path
    node: str | None
    fencing: str | None
    addresses: Sequence[str]


def export_pacemaker(wanted: Wanted) -> Exit:
    """Write the files, name them on standard output, and tell what differs on standard error."""
    views = _views(wanted)
    head = f"Written by hbctl export pacemaker, hbd {__version__}, from {wanted.config_dir}."
    fencing = None if wanted.fencing is None else Fencing(wanted.fencing)
    site = ThisSite(is_node=wanted.node is None or views[0].local == os.uname().nodename.lower())
    result = exported(views, _given(wanted.addresses, views[0]), fencing, site, head)
    try:
        write(wanted.folder, result.files)
    except AdapterError as error:
        raise Trouble(Exit.FAILED, str(error)) from error
    for name in result.files:
        print(wanted.folder / name)
    for remark in result.remarks:
        print(f"hbctl: {printable(str(remark))}", file=sys.stderr)
    is_whole = all(remark.weight is Weight.NOTE for remark in result.remarks)
    return Exit.DONE if is_whole else Exit.WARNED


def _views(wanted: Wanted) -> tuple[Config, Config]:
    """The configuration as each node reads it, the local one's first."""
    try:
        here = load(wanted.config_dir, wanted.node, Elsewhere())
        if here.peer is None:
            raise Trouble(Exit.REFUSED, "the files are of one node; a cluster there needs two")
        return here, load(wanted.config_dir, here.peer, Elsewhere())
    except ConfigError as error:
        raise Trouble(Exit.REFUSED, f"the files are refused:\n{error}") from error


def _given(words: Sequence[str], config: Config) -> Given:
    """`NODE/INTERFACE=ADDRESS`, each."""
    given: dict[tuple[NodeName, str], str] = {}
    for word in words:
        place, _, address = word.partition("=")
        name, _, interface = place.partition("/")
        node = NodeName(name.lower())
        try:
            given[node, interface] = str(ipaddress.ip_address(address))
        except ValueError:
            raise Trouble(Exit.USAGE, f"--address {word}: no NODE/INTERFACE=ADDRESS") from None
        interfaces = {getattr(medium, "interface", None) for medium in config.media}
        if node not in config.nodes or interface not in interfaces:
            raise Trouble(Exit.USAGE, f"--address {word}: ha.cf has no such node and interface")
    return given
