"""The Cockpit page says what hbctl says: both are held to one file of pictures and words.

This half writes the file anew with REWRITE=1 and else compares; the page's half is
cockpit/test/told.test.ts, which reads the same pictures by the page's own code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from hbd.bus.names import ROOT, Interface
from hbd.cli.history import evidence, seconds
from hbd.cli.past import EvidenceView
from hbd.cli.problems import problems
from hbd.cli.spans import ago, share, span
from hbd.cli.view import status_view
from hbd.story.kinds import kind_of
from tests.unit.cli.pictures import NOW_USEC, objects

TOLD = Path(__file__).resolve().parents[3] / "cockpit/test/told.json"

Objects = dict[str, dict[str, dict[str, object]]]


def _well(changed: Objects) -> None:
    changed["/l/2"][Interface.LINK] |= {"Status": "up", "Fault": ""}
    changed[ROOT][Interface.MANAGER] |= {"Protection": "reservation", "Jobs": []}


def _peer(status: str, **more: object) -> Callable[[Objects], None]:
    def change(changed: Objects) -> None:
        changed["/n/2"][Interface.NODE] |= {"Status": status} | more
        changed[ROOT][Interface.MANAGER]["PeerStatus"] = status
        changed["/g/1"][Interface.GROUP]["PeerState"] = "unknown"
        changed["/l/1"][Interface.LINK]["Status"] = "dead"

    return change


def _set(path: str, interface: Interface, **more: object) -> Callable[[Objects], None]:
    def change(changed: Objects) -> None:
        changed[path][interface] |= more

    return change


def _both(*changes: Callable[[Objects], None]) -> Callable[[Objects], None]:
    def change(changed: Objects) -> None:
        for each in changes:
            each(changed)

    return change


PICTURES: dict[str, Callable[[Objects], None]] = {
    "as drawn": lambda _changed: None,
    "well": _well,
    "starting": _both(_well, _set(ROOT, Interface.MANAGER, Phase="starting")),
    "leaving": _both(_well, _set(ROOT, Interface.MANAGER, Phase="leaving")),
    "peer unknown": _both(_well, _peer("unknown")),
    "peer late": _both(_well, _peer("late")),
    "peer lost": _both(_well, _peer("lost")),
    "fencing waits": _both(
        _well, _peer("lost"), _set(ROOT, Interface.MANAGER, FenceFailure="no answer")
    ),
    "peer fenced by times": _both(_well, _peer("fenced")),
    "peer fenced by a device": _both(_well, _peer("fenced", FenceProven=True)),
    "peer left": _both(_well, _peer("left")),
    "link dead": _both(_well, _set("/l/1", Interface.LINK, Status="dead")),
    "ping dead": _both(
        _well,
        _set(
            "/l/2", Interface.LINK, Name="10.0.0.1", Kind="ping", LeadsToPeer=False, Status="dead"
        ),
    ),
    "disk dead": _both(
        _well,
        _set(
            "/l/2", Interface.LINK, Name="/dev/sda", Kind="disk", LeadsToPeer=False, Status="dead"
        ),
    ),
    "files differ": _both(
        _well, _set(ROOT, Interface.MANAGER, ConfigDrift=["ha.cf", "haresources"])
    ),
    "failed here": _both(
        _well, _set("/g/1", Interface.GROUP, State="start-failed", Failure="smb: exit status 1")
    ),
    "failed there": _both(
        _well, _set("/g/1", Interface.GROUP, State="stopped", PeerState="stop-failed")
    ),
    "tried again": _both(_well, _set("/g/1", Interface.GROUP, State="starting", Failure="before")),
    "resource failed": _both(
        _well, _set("/r/2", Interface.RESOURCE, State="failed", Why="exit status 1")
    ),
    "address failed": _both(_well, _set("/r/1", Interface.RESOURCE, State="failed", Why="in use")),
    "not served": _both(_well, _set("/g/1", Interface.GROUP, State="stopped")),
    "away": _both(
        _well,
        _set("/g/1", Interface.GROUP, Owner="ttisrv2", State="stopped", PeerState="started"),
    ),
    "maintenance": _both(_well, _set("/n/2", Interface.NODE, Maintenance=True)),
    "unprotected": _both(_well, _set(ROOT, Interface.MANAGER, Protection="none")),
}
SPANS = (0, 999, 50_000, 99_999, 100_000, 1_000_000, 1_240_000, 119_000_000, 7_300_000_000)
SHARES = (None, 0.0, 0.0005, 0.0123, 0.5, 1.0)
EVIDENCE = (EvidenceView("link", "eth1", "dead", 5_000_000), EvidenceView("ping", "gw", "up", 0))
WORDS = (
    *("192.168.0.100", "192.168.0.100/24/eth0", "IPaddr2::10.0.0.1", "fe80::1", "smb", "nfslock"),
    *(
        "Filesystem::/dev/sda1::/ttidisk::ext4",
        "nfs-kernel-server",
        "postgresql",
        "winbind.service",
    ),
)


def told() -> dict[str, object]:
    """The pictures, and all that hbctl says of them."""
    pictures = []
    for name, change in PICTURES.items():
        changed = objects()
        changed["/g/1"][Interface.GROUP]["LastTransition"] = ""
        change(changed)
        view = status_view(changed)
        pictures.append(
            {
                "name": name,
                "objects": changed,
                "problems": [asdict(problem) for problem in problems(view)],
                "loss": [share(link.loss) for link in view.links],
                "heard": [ago(link.last_heard_usec, NOW_USEC) for link in view.links],
            }
        )
    return {
        "now_usec": NOW_USEC,
        "pictures": pictures,
        "spans": [[usec, span(usec), seconds(usec)] for usec in SPANS],
        "shares": [[part, share(part)] for part in SHARES],
        "evidence": [[asdict(each), evidence(each)] for each in EVIDENCE],
        "kinds": [[word, kind_of(word).value] for word in WORDS],
    }


def test_the_page_is_held_to_what_hbctl_says_now() -> None:
    """Goal: one change of words changes both. Method: compare its file."""
    text = json.dumps(told(), indent=1) + "\n"
    if os.environ.get("REWRITE"):
        TOLD.write_text(text)
    assert TOLD.read_text() == text, "REWRITE=1 writes it anew; then make cockpit-check"
