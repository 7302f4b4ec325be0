"""What the kernel says about a network interface by name, asked without waiting.

Only plain socket calls: no netlink, no name resolution, and none that would make the kernel look
for a driver module (SIOCGIFINDEX does, for a name that does not exist). Source: socket(7),
netdevice(7). Errors are the kernel's `OSError`; the media turn them into faults.
"""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct

SO_BINDTOIFINDEX = 62  # asm-generic/socket.h; Python has no name for it
SIOCGIFADDR = 0x8915
SIOCGIFBRDADDR = 0x8919
SIOCGIFNETMASK = 0x891B
IFREQ = struct.Struct("16s24x")  # struct ifreq: the name, and room for any answer
IFREQ_ADDRESS = slice(20, 24)  # sin_addr of the sockaddr_in that follows the name
NAME_BYTES_MAX = 15  # IFNAMSIZ without its NUL


def bind_to_interface(sock: socket.socket, interface: str) -> int:
    """Let `sock` speak and hear on `interface` only; gives the interface's index.

    The kernel binds by index: when an interface is deleted and another of the same name is made,
    the socket stays bound to nothing and has to be opened again.
    """
    encoded = interface.encode()
    if not 0 < len(encoded) <= NAME_BYTES_MAX:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, encoded)
    return sock.getsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX)


def interface_index(interface: str) -> int:
    """The index that `interface` has now; OSError(ENODEV) while there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return bind_to_interface(probe, interface)


def broadcast_address(interface: str) -> str:
    """The IPv4 broadcast address of `interface`; OSError(EADDRNOTAVAIL) without any IPv4 address.

    `ip address add` sets none unless told to, so an unset one is computed from address and mask,
    which is what the kernel's own routes take for broadcast. In nets without room for one (/31,
    /32) the limited broadcast is used.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        configured = _ask(sock, SIOCGIFBRDADDR, interface)
        if int(configured):
            return str(configured)
        mask = int(_ask(sock, SIOCGIFNETMASK, interface))
        hosts = ~mask & 0xFFFF_FFFF
        if hosts < 2:
            return "255.255.255.255"
        return str(ipaddress.IPv4Address(int(_ask(sock, SIOCGIFADDR, interface)) | hosts))


def _ask(sock: socket.socket, request: int, interface: str) -> ipaddress.IPv4Address:
    answer = fcntl.ioctl(sock, request, IFREQ.pack(interface.encode()))
    return ipaddress.IPv4Address(answer[IFREQ_ADDRESS])
