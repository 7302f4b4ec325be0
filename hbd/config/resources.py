"""One word of haresources(5) to the resource it means.

Addresses and file systems are understood here, because hbd does them itself; every other word is
a service whose unit or script is looked for where it runs. The forms are those of heartbeat's
scripts IPaddr, IPaddr2, IPv6addr and Filesystem.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re

from hbd.config.findings import BadValue, quoted
from hbd.config.model import (
    AddressResource,
    FilesystemResource,
    ResourceConfig,
    ServiceResource,
)
from hbd.config.values import interface_name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4_LIKE = re.compile(r"[0-9]+\.[0-9.]*(?:/.*)?")
_SCRIPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+\\-]{0,254}")
_FSTYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_REMOTE = re.compile(r"(?://|[^/:=]+:/)[^ ]+")
_TAGGED = re.compile(r"(LABEL|UUID|PARTLABEL|PARTUUID)=(.+)")
_DOTTED_MASK = re.compile(r"[0-9]+(?:\.[0-9]+){3}")

_ADDRESS_FORM = "write IP, IP/MASK, IP/MASK/INTERFACE or IP/MASK/INTERFACE/BROADCAST"
_FILESYSTEM_FORM = "write Filesystem::DEVICE::DIRECTORY::TYPE or ...::TYPE::OPTIONS"

# Where a mount would cover what the system itself runs from: these as such, the kernel's deep too.
_SYSTEM_DIRECTORIES = frozenset(
    ("", "bin", "boot", "etc", "lib", "lib64", "root", "run", "sbin", "tmp", "usr", "var")
)
_KERNEL_DIRECTORIES = frozenset(("dev", "proc", "sys"))


def resource(text: str) -> ResourceConfig:
    """The resource, or BadValue when it could never be started."""
    word, *arguments = text.split("::")
    if word in ("IPaddr", "IPaddr2", "IPv6addr"):
        argument = text.partition("::")[2]
        ipv6 = word == "IPv6addr" or (":" in argument and not _IPV4_LIKE.match(argument))
        return _address(text, argument, ipv6=ipv6)
    if _IPV4_LIKE.fullmatch(text):
        return _address(text, text, ipv6=False)
    if _is_bare_ipv6(text):
        return _address(text, text, ipv6=True)
    if word == "Filesystem":
        return _filesystem(text, arguments)
    return _service(text, word, arguments)


def claim(one: ResourceConfig) -> tuple[str, ...]:
    """What a resource takes for itself, in words: nothing of it may be in the file twice.

    An address or device that two groups start is a split brain written down. A service may be in
    several groups (one smbd, two shares), but once in each.
    """
    match one:
        case AddressResource():
            return (f"the address {one.address}",)
        case FilesystemResource() if one.device.startswith("/dev/") or "=" in one.device:
            return (f"the device {quoted(one.device)}", f"the directory {quoted(one.directory)}")
        case FilesystemResource():
            return (f"the directory {quoted(one.directory)}",)
        case ServiceResource():
            return ()


def service_of(one: ResourceConfig) -> str | None:
    """What a service is known by, with its arguments; None for anything else."""
    return one.text.removesuffix(".service") if isinstance(one, ServiceResource) else None


def _is_bare_ipv6(text: str) -> bool:
    """Global, unique local and link-local addresses; `add::1` stays a script with an argument."""
    try:
        address = ipaddress.IPv6Address(text.partition("/")[0])
    except ValueError:
        return False
    kind = address.packed[0]
    return 0x20 <= kind <= 0x3F or kind in (0xFC, 0xFD) or address.is_link_local


def _address(text: str, argument: str, *, ipv6: bool) -> AddressResource:
    first, *parts = argument.split("/")
    address = _shared_address(first, ipv6=ipv6)
    if len(parts) > 3:
        raise BadValue("it has too many parts", _ADDRESS_FORM)
    mask, third, fourth = (*parts, "", "", "")[:3]
    prefix = _prefix(mask, address) if mask else None
    interface: str | None = None
    broadcast: str | None = None
    if third[:1].isdigit():  # the scripts' rule for IP/MASK/BROADCAST
        if fourth:
            raise BadValue(f"{quoted(third)} is no interface", _ADDRESS_FORM)
        broadcast = _broadcast(third, address)
    elif third:
        # old files name an alias, eth0:1; hbd numbers labels itself
        interface = interface_name(third.partition(":")[0])
    if fourth:
        broadcast = _broadcast(fourth, address)
    _check_fits(address, prefix, interface)
    return AddressResource(text, str(address), prefix, interface, broadcast)


def _shared_address(word: str, *, ipv6: bool) -> Address:
    remedy = f"write an IPv{6 if ipv6 else 4} address of the network that the clients use"
    address: Address
    try:
        address = ipaddress.IPv6Address(word) if ipv6 else ipaddress.IPv4Address(word)
    except ValueError:
        raise BadValue(f"{quoted(word)} is no IPv{6 if ipv6 else 4} address", remedy) from None
    if "%" in word:
        raise BadValue("a zone is not written with %", "write IP/LENGTH/INTERFACE")
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    unusable = (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or (address.version == 4 and address.is_reserved)
    )
    if mapped or unusable:
        raise BadValue(f"{quoted(word)} is not an address a machine can have", remedy)
    return address


def _prefix(mask: str, address: Address) -> int:
    longest = address.max_prefixlen
    remedy = f"write a length from 1 to {longest}"
    if address.version == 4:
        remedy += " or a mask like 255.255.255.0"
    if mask.isascii() and mask.isdigit() and len(mask) <= 3 and 1 <= int(mask) <= longest:
        return int(mask)
    if address.version == 4 and _DOTTED_MASK.fullmatch(mask):
        try:
            bits = int(ipaddress.IPv4Address(mask))
        except ValueError:
            bits = 0
        length = bits.bit_count()
        if bits and bits == (2**32 - 1) ^ (2 ** (32 - length) - 1):
            return length
    raise BadValue(f"{quoted(mask)} is no network mask", remedy)


def _broadcast(word: str, address: Address) -> str:
    if address.version == 6:
        raise BadValue("IPv6 has no broadcast address", "write IP/LENGTH/INTERFACE")
    try:
        return str(ipaddress.IPv4Address(word))
    except ValueError:
        raise BadValue(f"{quoted(word)} is no broadcast address", _ADDRESS_FORM) from None


def _check_fits(address: Address, prefix: int | None, interface: str | None) -> None:
    if address.version == 6 and address.is_link_local and interface is None:
        why = "a link-local address is on no network that a route tells"
        raise BadValue(why, "write IP/64/INTERFACE")
    if address.version == 4 and prefix is not None and prefix < 31:
        network = ipaddress.IPv4Network((int(address), prefix), strict=False)
        if address in (network.network_address, network.broadcast_address):
            why = f"it is the network's or the broadcast address of {network}"
            raise BadValue(why, "write an address between them")


def _filesystem(text: str, arguments: list[str]) -> FilesystemResource:
    if not 2 <= len(arguments) <= 4 or not all(arguments[:2]):
        raise BadValue(
            "device and directory are needed, type and options possible", _FILESYSTEM_FORM
        )
    device, directory, fstype, options = (*arguments, "", "")[:4]
    if fstype and not _FSTYPE.fullmatch(fstype):
        raise BadValue(f"{quoted(fstype)} is no type of file system", "write a type like ext4")
    return FilesystemResource(
        text, _device(device), _directory(directory), fstype or "auto", options or None
    )


def _device(word: str) -> str:
    """As mount(8) takes it; `-Lx` and `-Ux` are the forms of heartbeat's script."""
    tagged = {"-L": "LABEL=", "-U": "UUID="}.get(word[:2])
    device = tagged + word[2:] if tagged is not None else word
    if _TAGGED.fullmatch(device) or _REMOTE.fullmatch(device) or device in ("none", "tmpfs"):
        return device
    if not device.startswith("/"):
        why = f"{quoted(word)} is neither a path nor a label, uuid or network share"
        raise BadValue(why, "write /dev/..., LABEL=..., UUID=..., -L..., -U... or HOST:/PATH")
    return posixpath.normpath(device)


def _directory(word: str) -> str:
    remedy = "write the whole path of an empty directory, like /srv/share"
    if not word.startswith("/"):
        raise BadValue(f"{quoted(word)} is not an absolute path", remedy)
    if ".." in word.split("/"):
        raise BadValue(f"{quoted(word)} has .. in it", remedy)
    directory = "/" + posixpath.normpath(word).lstrip("/")
    first, *deeper = directory[1:].split("/")
    if first in _KERNEL_DIRECTORIES or (first in _SYSTEM_DIRECTORIES and not deeper):
        raise BadValue(f"a mount on {directory} would cover the system's own files", remedy)
    return directory


def _service(text: str, word: str, arguments: list[str]) -> ServiceResource:
    if not _SCRIPT.fullmatch(word):
        why = f"{quoted(word)} is no name of a unit or script"
        raise BadValue(why, "write a systemd unit or a script of resource.d or /etc/init.d")
    return ServiceResource(text, word, tuple(arguments))
