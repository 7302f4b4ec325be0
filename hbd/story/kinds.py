"""What kind of thing a word of haresources is, for a bar of phases: display, no decision."""

from __future__ import annotations

from hbd.story.transition import Kind

_SAMBA = ("smb", "smbd", "nmb", "nmbd", "samba", "samba-ad-dc", "winbind")
_NFS = ("nfs", "nfslock", "nfs-server", "nfs-kernel-server", "nfs-common", "rpc-statd", "portmap")
_ADDRESS = ("IPaddr", "IPaddr2", "IPv6addr", "IPsrcaddr")


def kind_of(text: str) -> Kind:
    """`IPaddr::192.168.0.100` or the bare address, `Filesystem::…`, `smb`, `nfs`, or a service."""
    word = text.partition("::")[0].removesuffix(".service")
    if word in _ADDRESS or _is_address(text):
        return Kind.ADDRESS
    if word == "Filesystem":
        return Kind.MOUNT
    if word in _SAMBA:
        return Kind.SAMBA
    return Kind.NFS if word in _NFS else Kind.SERVICE


def _is_address(text: str) -> bool:
    """`192.168.0.100`, `192.168.0.100/24/eth0`, `fe80::1`: digits and dots, or hex and colons."""
    word = text.partition("/")[0]
    dotted = word.count(".") == 3 and word.replace(".", "").isdigit()
    return dotted or (":" in word and all(c in "0123456789abcdefABCDEF:." for c in word))
