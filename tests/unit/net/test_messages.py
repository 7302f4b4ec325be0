"""Netlink messages made and read with pyroute2, whichever version it is."""

from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.net.exchange import HEADER
from hbd.net.kernel import AddressFlag, Interface, InterfaceAddress, Route
from hbd.net.messages import Messages

# What Linux 6.18 said in a namespace with one veth; of the link, the header and its name.
LINK = "2c000000 1000 0200 01000000 14750000 0000 0100 03000000 43100100 00000000"
ETH0_NAME = "0900 0300 65746830 00000000"
ADDRESS = bytes.fromhex(
    "580000001400020002000000147500000218800003000000080001000a4d0001080002000a4d0001"
    "080004000a4d00ff0b000300657468303a300000080008008000000014000600ffffffffffffffff"
    "38e7030038e70300"
)
ADDRESS6 = bytes.fromhex(
    "480000001400020002000000147500000a4082000300000014000100fd7700000000000000000000"
    "0000000114000600ffffffffffffffff38e7030038e703000800080082000000"
)
CONNECTED = bytes.fromhex(
    "3c00000018002200030000001475000002180000fe02fd010000000008000f00fe00000008000100"
    "0a4d0000080007000a4d00010800040003000000"
)
DEFAULT = bytes.fromhex(
    "3c00000018002200030000001475000002000000fe0300010000000008000f00fe00000008000600"
    "64000000080005000a4d00020800040003000000"
)
MULTIPATH = bytes.fromhex(
    "5000000018002200030000001475000002100000fe0300010000000008000f00fe00000008000100"
    "0a090000240009001000000003000000080005000a4d00031000000003000000080005000a4d0004"
)
UNREACHABLE = bytes.fromhex(
    "2c00000018002200030000001475000002100000fe0300070000000008000f00fe000000080001000a0a0000"
)
ETH0 = Interface(index=3, name="eth0", is_up=True, is_running=True, is_loopback=False)
OURS = InterfaceAddress(
    3,
    IPv4Address("10.77.0.100"),
    24,
    "eth0:0",
    IPv4Address("10.77.0.255"),
    AddressFlag.NOPREFIXROUTE,
)
OURS6 = InterfaceAddress(
    3,
    IPv6Address("fd77::100"),
    64,
    flags=AddressFlag.NODAD | AddressFlag.NOPREFIXROUTE,
    preferred_sec=0,
)


@pytest.fixture(scope="module")
def messages() -> Messages:
    """The coder; it keeps no state."""
    return Messages()


def link(flags: str = "43100100", family: str = "0000", name: str = ETH0_NAME) -> bytes:
    """Return the link message with some of it changed."""
    data = bytearray.fromhex(LINK.replace("43100100", flags) + name)
    data[16:18] = bytes.fromhex(family)
    data[0:4] = len(data).to_bytes(4, sys.byteorder)
    return bytes(data)


def test_an_interface_is_read_with_its_state(messages: Messages) -> None:
    """Goal: up needs carrier too. Method: the kernel's message, with other flags."""
    assert messages.interface(link()) == ETH0
    no_carrier = replace(ETH0, is_running=False)
    assert messages.interface(link("03100000")) == no_carrier
    assert messages.interface(link("02100000")) == replace(no_carrier, is_up=False)
    assert messages.interface(link("49000100")) == replace(ETH0, is_loopback=True)


def test_a_bridge_ports_message_is_not_an_interface(messages: Messages) -> None:
    """Goal: a port leaving a bridge is no interface leaving. Method: family AF_BRIDGE; no name."""
    assert messages.interface(link(family="0700")) is None
    assert messages.interface(link(name="")) is None


def test_addresses_are_read_whole(messages: Messages) -> None:
    """Goal: every field that is used. Method: the kernel's own messages."""
    assert messages.address(ADDRESS) == InterfaceAddress(
        3, IPv4Address("10.77.0.1"), 24, "eth0:0", IPv4Address("10.77.0.255")
    )
    assert messages.address(ADDRESS6) == InterfaceAddress(
        3, IPv6Address("fd77::1"), 64, flags=AddressFlag.NODAD
    )


def test_only_unicast_routes_with_one_next_hop_are_read(messages: Messages) -> None:
    """Goal: no guess. Method: the kernel's messages of four kinds."""
    assert messages.route(CONNECTED) == Route(3, ip_network("10.77.0.0/24"), is_direct=True)
    assert messages.route(DEFAULT) == Route(3, ip_network("0.0.0.0/0"), is_direct=False, metric=100)
    assert messages.route(MULTIPATH) is None
    assert messages.route(UNREACHABLE) is None


def test_what_is_asked_of_the_kernel_is_this_byte_for_byte(messages: Messages) -> None:
    """Goal: every pyroute2 writes the same. Method: written out by hand."""
    assert messages.add(OURS) == bytes.fromhex(
        "44000000 1400 0506 00000000 00000000"
        "02 18 00 00 03000000"
        "0800 0100 0a4d0064"
        "0800 0200 0a4d0064"
        "0800 0800 00020000"
        "0800 0400 0a4d00ff"
        "0b00 0300 657468303a3000 00"
    )
    assert messages.delete(OURS6) == bytes.fromhex(
        "5c000000 1500 0500 00000000 00000000"
        "0a 40 00 00 03000000"
        "1400 0100 fd770000000000000000000000000100"
        "1400 0200 fd770000000000000000000000000100"
        "0800 0800 02020000"
        "1400 0600 00000000 ffffffff 00000000 00000000"
    )
    assert messages.ask_routes(2) == bytes.fromhex(
        "1c000000 1a00 0103 00000000 00000000 02 00 00 00 fe 00 00 00 00000000"
    )


@pytest.mark.parametrize("address", [OURS, OURS6])
def test_what_is_written_reads_the_same(messages: Messages, address: InterfaceAddress) -> None:
    """Goal: both directions mean one thing. Method: there and back."""
    assert messages.address(messages.add(address)) == address


@given(data=st.binary(min_size=HEADER.size + 1, max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Goal: OSError EBADMSG and no other exception. Method: noise behind a true length."""
    messages = Messages()
    framed = len(data).to_bytes(4, sys.byteorder) + data[4:]
    for read in (messages.interface, messages.address, messages.route):
        try:
            read(framed)
        except OSError as error:
            assert error.errno == errno.EBADMSG  # noqa: PT017 - not raising is as good


def test_pyroute2_is_loaded_only_as_far_as_it_is_used() -> None:
    """Goal: the daemon's memory and start. Method: a fresh Python; then the whole library."""
    script = (
        "import sys; from hbd.net.messages import Messages; Messages()\n"
        "assert 'pyroute2.netlink.rtnl.ifaddrmsg' in sys.modules\n"
        "assert 'pyroute2' not in sys.modules and 'pyroute2.ndb' not in sys.modules\n"
        "import pyroute2; assert pyroute2.IPRoute\n"
        "Messages()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
