"""The article's resource group moved by hand: the floor under every figure of hbd.

`start` and `stop` do, in the same order, what a cluster manager must do, and nothing else. With
them the selftest proves the lab, and the bench says how much of a gap is the servers' own.
"""

from __future__ import annotations

from tests.lab.harness import files
from tests.lab.harness.node import Node

_SERVICES = ("smbd", "rpc-statd", "nfs-ganesha")

# A gratuitous ARP in request and in reply form, so that the client asks the new node at once.
_ANNOUNCE = f"""
import socket, struct
mac = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
ip = socket.inet_aton("{files.SHARED_ADDRESS}")
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0x806))
for form in (1, 2):
    target = bytes(6) if form == 1 else mac
    arp = struct.pack("!HHBBH", 1, 0x800, 6, 4, form) + mac + ip + target + ip
    wire.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + arp)
"""


async def start(node: Node) -> None:
    """Take the group up on `node`, left to right."""
    await node.run(["ip", "addr", "add", f"{files.SHARED_ADDRESS}/24", "dev", "eth0"])
    await node.run(["python3", "-c", _ANNOUNCE])
    await node.run(["mount", files.DEVICE, files.MOUNT_POINT])
    for service in _SERVICES:
        await node.run(["systemctl", "start", service])


async def stop(node: Node) -> None:
    """Take the group down on `node`, right to left."""
    for service in reversed(_SERVICES):
        await node.run(["systemctl", "stop", service])
    await node.run(["umount", files.MOUNT_POINT])
    await node.run(["ip", "addr", "del", f"{files.SHARED_ADDRESS}/24", "dev", "eth0"])
