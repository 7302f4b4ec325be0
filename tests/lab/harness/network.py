"""The wires: a public LAN and the crossover cable, in namespaces of the lab's own.

    ttisrv1:eth0 ──┐                          ttisrv1:eth1 ──┐
    ttisrv2:eth0 ──┤ switch "lan"                            │ switch "cross": the crossover cable
    client:eth0  ──┘                          ttisrv2:eth1 ──┘

Both switches are bridges in one more namespace. A cable is a veth pair whose far end is a bridge
port; it is cut at that port, so its owner sees what a pulled plug shows: carrier gone, interface
still configured. Nothing is made in the machine's own namespace and no packet can leave it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.harness.host import run
from tests.lab.harness.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Cable:
    """One plug of one host. `port` is its name at the switch (at most 15 characters)."""

    host: str
    interface: str
    switch: str
    address: str  # with prefix length

    @property
    def port(self) -> str:
        return f"{self.host}-{self.interface}"


class Network:
    """The namespaces and cables of one lab."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._switches = self.namespace("wires")
        self._cables: dict[tuple[str, str], Cable] = {}

    def namespace(self, host: str) -> str:
        """The name of a host's network namespace, as `ip netns` knows it."""
        return f"hbdlab-{self._ledger.lab_id}-{host}"

    async def build(self, *further: str) -> None:
        """Make the namespace of the wires and the switches, which never block or snoop.

        A lab that has more than a LAN and a crossover cable names its further switches.
        """
        await self._add_namespace("wires")
        for switch in ("lan", "cross", *further):
            await self._ip("wires", "link", "add", switch, "type", "bridge", "forward_delay", "0",
                           "stp_state", "0", "mcast_snooping", "0")  # fmt: skip
            await self._ip("wires", "link", "set", switch, "up")

    async def plug_in(self, host: str, cables: list[Cable]) -> None:
        """Give `host` a fresh namespace with these cables plugged in, addresses set, links up."""
        assert all(cable.host == host for cable in cables), "a cable belongs to one host"
        await self._add_namespace(host)
        await self._ip(host, "link", "set", "lo", "up")
        for cable in cables:
            self._cables[(host, cable.interface)] = cable
            await self._ip("wires", "link", "add", cable.port, "type", "veth", "peer", "name",
                           cable.interface, "netns", self.namespace(host))  # fmt: skip
            await self._ip("wires", "link", "set", cable.port, "master", cable.switch, "up")
            await self._ip(host, "addr", "add", cable.address, "brd", "+", "dev", cable.interface)
            await self._ip(host, "link", "set", cable.interface, "up")

    async def add_tap(self, cable: Cable) -> None:
        """A port for a virtual machine's card: a tap at the switch, in the wires' namespace."""
        await self._ip("wires", "tuntap", "add", "dev", cable.port, "mode", "tap")
        await self._ip("wires", "link", "set", cable.port, "master", cable.switch, "up")

    async def give_switch_address(self, switch: str, address: str, mac: str | None = None) -> None:
        """Let programs in the wires' namespace be a host on this switch, and ask each other.

        With a `mac` it has the same in every lab: a machine that was saved in one remembers it.
        """
        await self._ip("wires", "link", "set", "lo", "up")
        if mac is not None:
            await self._ip("wires", "link", "set", switch, "address", mac)
        await self._ip("wires", "addr", "add", address, "dev", switch)

    async def unplug(self, host: str) -> None:
        """Take `host` off the wires for good: its cables and its namespace with all addresses."""
        for key in [key for key in self._cables if key[0] == host]:
            await self._ip("wires", "link", "del", self._cables.pop(key).port)
        name = self.namespace(host)
        await run(["ip", "netns", "del", name])
        self._ledger.forget("netns", name)

    async def cut(self, host: str, interface: str) -> None:
        """Pull the plug of one interface: no carrier, no packet in either direction."""
        await self._ip("wires", "link", "set", self._cables[(host, interface)].port, "down")

    async def mend(self, host: str, interface: str) -> None:
        """Put the plug back."""
        await self._ip("wires", "link", "set", self._cables[(host, interface)].port, "up")

    async def cut_all(self, host: str) -> None:
        """All plugs of one host at once, in one command: what a power cut does to the wires."""
        ports = [cable.port for key, cable in self._cables.items() if key[0] == host]
        batch = "".join(f"link set {port} down\n" for port in ports)
        await run(["ip", "-n", self._switches, "-batch", "-"], stdin=batch.encode())

    async def _add_namespace(self, host: str) -> None:
        name = self.namespace(host)
        self._ledger.note("netns", name)
        await run(["ip", "netns", "add", name])

    async def _ip(self, host: str, *words: str) -> None:
        await run(["ip", "-n", self.namespace(host), *words])
