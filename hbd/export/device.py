"""Block devices by path, where other programs know no LABEL= and UUID=."""

from __future__ import annotations

from typing import Final

BY_TAG: Final = {
    "LABEL": "/dev/disk/by-label/",
    "UUID": "/dev/disk/by-uuid/",
    "PARTLABEL": "/dev/disk/by-partlabel/",
    "PARTUUID": "/dev/disk/by-partuuid/",
}


def path_of(device: str) -> str:
    """udev's name for a tag, anything else as it is.

    A label with characters that udev escapes is nothing for a cluster's configuration.
    """
    tag, is_tagged, name = device.partition("=")
    return BY_TAG[tag] + name if is_tagged and tag in BY_TAG else device
