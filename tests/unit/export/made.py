"""Three files as a test wrote them, exported and read again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

from hbd.cluster.terms import Fencing, NodeName
from hbd.config.load import load
from hbd.config.surroundings import InterfaceState
from hbd.export.pacemaker import CIB, COROSYNC_CONF, Exported, exported
from hbd.export.rings import Given
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine
from tests.unit.export.site import PaperSite

ALPHA, BETA = NodeName("alpha"), NodeName("beta")
HEAD = "node alpha beta\ndeadtime 5\n"
GROUP = "alpha 192.168.0.100/24/eth0 Filesystem::/dev/sda1::/srv/x::ext4 smb\n"


def machine() -> LabMachine:
    """alpha, with two interfaces, a fence agent, and no address of its own in the files."""
    there = dict.fromkeys(("eth0", "eth1", "eth2"), InterfaceState.READY)
    return LabMachine(
        "alpha",
        interfaces=there,
        addresses=frozenset(),
        programs=frozenset(("/usr/sbin/fence_ipmilan", "/usr/sbin/fence_apc")),
    )


def export(
    directory: Path,
    ha_cf: str,
    haresources: str = GROUP,
    *,
    site: PaperSite | None = None,
    given: Given | None = None,
    fencing: Fencing | None = None,
) -> Made:
    """The export, made on alpha."""
    Files(HEAD + ha_cf, haresources=haresources).judge(directory, machine())
    views = load(directory, ALPHA, machine()), load(directory, BETA, machine())
    where = site if site is not None else PaperSite()
    return Made(exported(views, given or {}, fencing, where, "head"))


@dataclass(frozen=True)
class Made:
    """An export with its files read again, as the programs that they are for would."""

    result: Exported

    @property
    def cib(self) -> Xml.Element:
        """The Cluster Information Base."""
        return Xml.fromstring(self.result.files[CIB])

    @property
    def subjects(self) -> list[str]:
        """What the remarks are about, gaps marked with `!`."""
        marks = {"gap": "!", "note": ""}
        return [f"{marks[one.weight.value]}{one.subject}" for one in self.result.remarks]

    def corosync(self, key: str) -> list[str]:
        """Every value of a key of corosync.conf."""
        return re.findall(rf"^\s*{key}: (\S+)$", self.result.files[COROSYNC_CONF], re.MULTILINE)

    def values(self, ident: str) -> dict[str, str]:
        """The name-value pairs of an element, by its ID."""
        element = self.element(ident)
        return {pair.get("name", ""): pair.get("value", "") for pair in element.iter("nvpair")}

    def element(self, ident: str) -> Xml.Element:
        """The element with that ID."""
        [found] = [one for one in self.cib.iter() if one.get("id") == ident]
        return found

    def ids(self, tag: str) -> list[str]:
        """The IDs of all elements of a tag, in order."""
        return [one.get("id", "") for one in self.cib.iter(tag)]
