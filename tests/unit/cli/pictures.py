"""A picture as hbctl gets it, written down here by hand: the objects of a small cluster."""

from __future__ import annotations

from hbd.bus.names import ROOT, Interface
from hbd.cli.view import Objects, Properties

NOW_USEC = 1_000_000_000
SHARE = "192.168.0.100"

MANAGER: Properties = {
    "Version": "1.2.3",
    "NodeName": "ttisrv1",
    "PeerName": "ttisrv2",
    "Phase": "active",
    "Maintenance": False,
    "PeerStatus": "active",
    "Protection": "none",
    "FenceFailure": "",
    "AutoFailback": "on",
    "KeepaliveUSec": 1_000_000,
    "WarntimeUSec": 2_500_000,
    "DeadtimeUSec": 5_000_000,
    "InitdeadUSec": 12_000_000,
    "LastStallUSec": 0,
    "ConfigDrift": [],
    "DeniedCount": 0,
    "Nodes": ["/n/1", "/n/2"],
    "Links": ["/l/1", "/l/2"],
    "Groups": ["/g/1"],
    "Jobs": ["/j/7"],
}


def objects() -> dict[str, dict[str, dict[str, object]]]:
    """Two nodes, a good and a bad link, one group of two resources and a job."""
    return {
        ROOT: {Interface.MANAGER: dict(MANAGER)},
        "/n/1": {Interface.NODE: _node("ttisrv1", local=True, heard=0, holds=[SHARE])},
        "/n/2": {Interface.NODE: _node("ttisrv2", local=False, heard=NOW_USEC - 400_000, holds=[])},
        "/l/1": {
            Interface.LINK: _link("eth1", "bcast", "up", "", NOW_USEC - 400_000)
            | {"Counters": {"heard": 99, "missed": 1}}
        },
        "/l/2": {Interface.LINK: _link("/dev/ttyS0", "serial", "dead", "No such device", 0)},
        "/g/1": {
            Interface.GROUP: {
                "Name": SHARE,
                "Preferred": "ttisrv1",
                "Owner": "ttisrv1",
                "State": "started",
                "Protection": "none",
                "PeerState": "stopped",
                "Epoch": 3,
                "Failure": "",
                "Unit": "hbd-group@192.168.0.100.target",
                "Resources": ["/r/1", "/r/2"],
            }
        },
        "/r/1": {Interface.RESOURCE: _resource(SHARE, "")},
        "/r/2": {Interface.RESOURCE: _resource("smb", "smbd.service")},
        "/j/7": {
            Interface.JOB: {
                "Id": 7,
                "Verb": "standby",
                "Scope": "all",
                "Groups": [SHARE],
                "RequestedBy": "uid 0",
                "RequestedUSec": NOW_USEC - 1_200_000,
            }
        },
    }


def frozen(changed: dict[str, dict[str, dict[str, object]]]) -> Objects:
    """The same for those who only look."""
    return changed


def _node(name: str, *, local: bool, heard: int, holds: list[str]) -> dict[str, object]:
    return {
        "Name": name,
        "Local": local,
        "Status": "active",
        "Maintenance": False,
        "FenceProven": False,
        "Implementation": "hbd",
        "ConfigDigest": "0123456789abcdef01234567",
        "Generation": 5,
        "LastHeardUSec": heard,
        "Holds": holds,
    }


def _link(name: str, kind: str, status: str, fault: str, heard: int) -> dict[str, object]:
    return {
        "Name": name,
        "Kind": kind,
        "LeadsToPeer": True,
        "Status": status,
        "PeerHears": status == "up",
        "Fault": fault,
        "LastHeardUSec": heard,
        "Counters": {},
    }


def _resource(text: str, unit: str) -> dict[str, object]:
    return {"Group": "/g/1", "Text": text, "Unit": unit, "State": "started", "Why": ""}
