"""The words of the D-Bus API: names, paths, interfaces, errors, permissions. Constants only.

The manual is org.hbd.Heartbeat1(5). This module imports no D-Bus library, so that hbctl can use it.
"""

from __future__ import annotations

from enum import StrEnum

from hbd.cluster.terms import GroupName, JobId, LinkName, NodeName

BUS_NAME = "org.hbd.Heartbeat1"
ROOT = "/org/hbd/Heartbeat1"  # the manager, and the ObjectManager of everything below it


class Interface(StrEnum):
    """hbd's own interfaces; each is described by dbus/NAME.xml."""

    MANAGER = "org.hbd.Heartbeat1.Manager"
    NODE = "org.hbd.Heartbeat1.Node"
    LINK = "org.hbd.Heartbeat1.Link"
    GROUP = "org.hbd.Heartbeat1.Group"
    RESOURCE = "org.hbd.Heartbeat1.Resource"
    JOB = "org.hbd.Heartbeat1.Job"


class Standard(StrEnum):
    """The interfaces of the D-Bus specification that hbd answers on its objects."""

    INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
    PROPERTIES = "org.freedesktop.DBus.Properties"
    PEER = "org.freedesktop.DBus.Peer"
    OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


class Permission(StrEnum):
    """The polkit actions, one per verb. Reading needs none."""

    TAKEOVER = "org.hbd.Heartbeat1.takeover"
    STANDBY = "org.hbd.Heartbeat1.standby"
    MAINTENANCE = "org.hbd.Heartbeat1.maintenance"
    CONFIRM_PEER_DOWN = "org.hbd.Heartbeat1.confirm-peer-down"
    CLEAR_FAILURE = "org.hbd.Heartbeat1.clear-failure"
    RELOAD = "org.hbd.Heartbeat1.reload"


class Verb(StrEnum):
    """What a job does, as told in Job.Verb and JobNew."""

    TAKEOVER = "takeover"
    STANDBY = "standby"
    MAINTENANCE_ON = "maintenance-on"
    MAINTENANCE_OFF = "maintenance-off"
    CONFIRM_PEER_DOWN = "confirm-peer-down"
    CLEAR_FAILURE = "clear-failure"


class Error(StrEnum):
    """Every error name a caller can get from hbd."""

    NO_SUCH_GROUP = "org.hbd.Heartbeat1.Error.NoSuchGroup"
    NO_SUCH_SCOPE = "org.hbd.Heartbeat1.Error.NoSuchScope"
    INVALID_CONFIGURATION = "org.hbd.Heartbeat1.Error.InvalidConfiguration"
    NOT_RELOADED = "org.hbd.Heartbeat1.Error.NotReloaded"
    BUSY = "org.hbd.Heartbeat1.Error.Busy"
    ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
    INTERACTION_REQUIRED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
    INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
    UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
    UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
    UNKNOWN_INTERFACE = "org.freedesktop.DBus.Error.UnknownInterface"
    UNKNOWN_PROPERTY = "org.freedesktop.DBus.Error.UnknownProperty"
    PROPERTY_READ_ONLY = "org.freedesktop.DBus.Error.PropertyReadOnly"
    FAILED = "org.freedesktop.DBus.Error.Failed"  # our own mistake; the journal has the rest


def label(name: str) -> str:
    """One element of an object path from any name, as systemd does it (sd_bus_path_encode(3)).

    Letters and digits stay, but for a leading digit; every other byte becomes `_` and two hex
    digits; the empty name is `_`.
    """
    if not name:
        return "_"
    encoded = name.encode("utf-8", "surrogateescape")
    return "".join(
        chr(byte) if _stays(byte, first=place == 0) else f"_{byte:02x}"
        for place, byte in enumerate(encoded)
    )


def _stays(byte: int, *, first: bool) -> bool:
    character = chr(byte)
    if "0" <= character <= "9":
        return not first
    return "a" <= character <= "z" or "A" <= character <= "Z"


def node_path(name: NodeName) -> str:
    """The object of a node, this one or the peer."""
    return f"{ROOT}/node/{label(name)}"


def link_path(name: LinkName) -> str:
    """The object of a link."""
    return f"{ROOT}/link/{label(name)}"


def group_path(name: GroupName) -> str:
    """The object of a resource group."""
    return f"{ROOT}/group/{label(name)}"


def resource_path(group: GroupName, position: int) -> str:
    """The object of a group's resource; `position` counts from 1, left to right in haresources."""
    return f"{ROOT}/resource/{label(group)}/{position}"


def job_path(job: JobId) -> str:
    """The object of a job, while it runs."""
    return f"{ROOT}/job/{job}"
