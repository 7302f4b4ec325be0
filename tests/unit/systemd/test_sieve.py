"""What is not wanted is not read; what is wanted is never passed over."""

from __future__ import annotations

import pytest
from dbus_next.constants import MessageType
from dbus_next.message import Message

from hbd.systemd import sieve, unitname
from hbd.systemd.session import watch_rule
from hbd.systemd.sieve import Sieve

MANAGER = "org.freedesktop.systemd1.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
ROOT = "/org/freedesktop/systemd1"


def signal(member: str, path: str = ROOT, interface: str = MANAGER) -> bytes:
    """A signal of systemd's as it travels."""
    made = Message(
        message_type=MessageType.SIGNAL, path=path, interface=interface, member=member,
        signature="so", body=["a.service", "/a"], serial=1,
    )  # fmt: skip
    return bytes(made._marshall())  # type: ignore[no-untyped-call]  # the library has no types


def changed(unit: str) -> bytes:
    """A unit's properties have changed."""
    return signal("PropertiesChanged", unitname.bus_path(unit), PROPERTIES)


@pytest.fixture
def rules() -> Sieve:
    """The rules that hbd has: ended jobs, and one unit."""
    made = Sieve()
    made.add(f"interface='{MANAGER}',member='JobRemoved'")
    made.add(watch_rule("smbd.service"))
    return made


def test_a_reload_of_all_units_is_passed_over(rules: Sieve) -> None:
    """Goal: a daemon-reload silences no heartbeat. Method: the signals that systemd sends then."""
    assert not rules.wants(signal("UnitNew"))
    assert not rules.wants(signal("UnitRemoved"))
    assert not rules.wants(signal("Reloading"))
    assert not rules.wants(changed("dev-ttyS1.device"))


def test_what_a_rule_describes_is_wanted(rules: Sieve) -> None:
    """Goal: no job ends unheard. Method: its signal, and a change of the watched unit."""
    assert rules.wants(signal("JobRemoved"))
    assert rules.wants(changed("smbd.service"))
    assert not rules.wants(changed("smbd@1.service"))


def test_what_no_rule_describes_any_more_is_passed_over(rules: Sieve) -> None:
    """Goal: no signal is read for nothing. Method: each rule taken back, twice."""
    for _ in range(2):
        rules.remove(watch_rule("smbd.service"))
        assert not rules.wants(changed("smbd.service"))
        assert rules.wants(signal("JobRemoved"))
    rules.remove(f"interface='{MANAGER}',member='JobRemoved'")
    assert not rules.wants(signal("JobRemoved"))


def test_every_answer_is_wanted(rules: Sieve) -> None:
    """Goal: no call waits for ever. Method: a return and an error."""
    for kind in (MessageType.METHOD_RETURN, MessageType.ERROR):
        made = Message(message_type=kind, reply_serial=7, error_name="a.b", serial=1)
        assert rules.wants(bytes(made._marshall()))  # type: ignore[no-untyped-call]


def test_the_length_is_the_whole_messages() -> None:
    """Goal: the next message begins where this one ends. Method: the library's own bytes."""
    for made in (signal("UnitNew"), changed("smbd.service")):
        assert sieve.length(made[: sieve.FIXED_HEADER]) == len(made)
