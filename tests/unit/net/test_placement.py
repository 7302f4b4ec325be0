"""Where a shared address belongs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from hbd.errors import AdapterError
from hbd.net.kernel import InterfaceAddress, Route
from hbd.net.placement import Placement, SharedAddress, choose, is_reached
from tests.unit.net.kernel import ETH0, ETH1, LO, connected, on, via_gateway

ALL = (LO, ETH0, ETH1)
VIP = SharedAddress("10.0.0.100")


def placed(
    shared: SharedAddress, *routes: Route, addresses: tuple[InterfaceAddress, ...] = ()
) -> Placement:
    """Choose among lo, eth0 and eth1."""
    return choose(shared, ALL, addresses, routes)


def test_the_longest_network_that_contains_it_wins() -> None:
    """Goal: findif's first rule. Method: three nested networks."""
    routes = connected(ETH0, "10.0.0.0/8"), connected(ETH1, "10.0.0.0/24")
    assert placed(VIP, *routes) == Placement("eth1", 3, 24, "10.0.0.255", "eth1:0")


def test_between_equals_the_live_then_the_cheaper_then_the_first_wins() -> None:
    """Goal: one answer always. Method: two routes to one network, told apart by one thing each."""
    net = "10.0.0.0/24"
    dead, live = connected(ETH0, net, dead=True), connected(ETH1, net, metric=9)
    assert placed(VIP, dead, live).interface == "eth1"
    assert placed(VIP, connected(ETH0, net, metric=9), connected(ETH1, net)).interface == "eth1"
    assert placed(VIP, connected(ETH1, net), connected(ETH0, net)).interface == "eth0"


def test_a_network_behind_a_gateway_is_not_ours() -> None:
    """Goal: no address where nobody could find it. Method: only routed networks contain it."""
    with pytest.raises(AdapterError):
        placed(VIP, via_gateway(ETH0, "10.0.0.0/24"), via_gateway(ETH0, "0.0.0.0/0"))


def test_a_default_route_needs_a_written_prefix() -> None:
    """Goal: findif's rule for default routes. Method: the prefix left out, then written."""
    default = via_gateway(ETH0, "0.0.0.0/0")
    with pytest.raises(AdapterError):
        placed(VIP, default)
    with pytest.raises(AdapterError):
        placed(replace(VIP, interface="eth0"), default)
    assert placed(replace(VIP, prefix=16), default).interface == "eth0"
    assert placed(replace(VIP, prefix=16), default, connected(ETH1, "10.0.0.0/8")).index == 3


def test_what_is_written_goes_before_what_is_found() -> None:
    """Goal: IP/prefix/interface/broadcast as written. Method: routes that say otherwise."""
    shared = SharedAddress("10.0.0.100", 25, "eth1", "10.0.0.254")
    assert placed(shared, connected(ETH0, "10.0.0.0/24")) == Placement(
        "eth1", 3, 25, "10.0.0.254", "eth1:0"
    )


@pytest.mark.parametrize("interface", ["lo", "eth7", "eth2"])
def test_a_written_interface_must_be_able_to_serve(interface: str) -> None:
    """Goal: refuse the loopback, the absent and the one that is down. Method: name each."""
    down = replace(ETH1, index=4, name="eth2", is_up=False)
    shared = SharedAddress("10.0.0.100", 24, interface)
    with pytest.raises(AdapterError):
        choose(shared, (*ALL, down), (), ())


def test_the_loopback_is_never_found() -> None:
    """Goal: 127.0.0.9 is no shared address. Method: a route says it were."""
    with pytest.raises(AdapterError):
        placed(SharedAddress("127.0.0.9"), connected(LO, "127.0.0.0/8"))


@pytest.mark.parametrize("prefix", [31, 32])
def test_tiny_networks_have_no_broadcast(prefix: int) -> None:
    """Goal: RFC 3021. Method: prefixes of one and two addresses."""
    shared = replace(VIP, prefix=prefix)
    assert placed(shared, connected(ETH0, "10.0.0.0/24")).broadcast is None


def test_the_first_free_label_is_taken() -> None:
    """Goal: eth0:1 between eth0:0 and eth0:2. Method: both taken."""
    taken = on(ETH0, "10.0.0.1/24", "eth0:0"), on(ETH0, "10.0.0.2/24", "eth0:2")
    assert placed(VIP, connected(ETH0, "10.0.0.0/24"), addresses=taken).label == "eth0:1"


@pytest.mark.parametrize(
    ("name", "label"), [("enp0s31f6u1u", "enp0s31f6u1u:0"), ("wlx00c0cafebabe", None)]
)
def test_a_label_longer_than_the_kernel_takes_is_left_out(name: str, label: str | None) -> None:
    """Goal: at most 15 characters. Method: names at both sides of the limit."""
    interface = replace(ETH0, name=name)
    routes = (connected(ETH0, "10.0.0.0/24"),)
    assert choose(VIP, (interface,), (), routes).label == label


def test_ipv6_has_neither_label_nor_broadcast() -> None:
    """Goal: only what the family has. Method: an IPv6 address in any spelling."""
    shared = SharedAddress("2001:DB8:0:0::0100")
    assert placed(shared, connected(ETH0, "2001:db8::/64")) == Placement("eth0", 2, 64, None, None)
    assert shared.ip == SharedAddress("2001:db8::100").ip


def test_a_route_of_its_own_is_kept_from_where_one_is() -> None:
    """Goal: NOPREFIXROUTE exactly where is_reached says why. Method: each case of its docstring."""
    ip, wide = ip_address("10.0.0.100"), (connected(ETH0, "10.0.0.0/24"),)
    place = Placement("eth0", 2, 24, None, None)
    own = (on(ETH0, "10.0.0.1/24"),)
    assert not is_reached(ip, place, own, wide), "ours is a secondary: no route, unless promoted"
    assert is_reached(ip, replace(place, prefix=25), own, wide)
    assert not is_reached(ip, place, (), (connected(ETH1, "10.0.0.0/24"),))
    assert not is_reached(ip, place, (), (via_gateway(ETH0, "0.0.0.0/0"),))
    ip6, net6 = ip_address("fd00::100"), (connected(ETH0, "fd00::/64"),)
    assert is_reached(ip6, replace(place, prefix=64), (on(ETH0, "fd00::1/64"),), net6)
