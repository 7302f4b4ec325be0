"""journald's native protocol: what is sent can be read back, whatever is in it."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.journal import NOTICE, JournalHandler, MessageId, encode, fields, set_up

texts = st.text() | st.text(st.characters(categories=["Cs"])) | st.just("a\nb\n")


def decode(data: bytes) -> dict[str, bytes]:
    """What journald makes of a datagram, by systemd's own description of the protocol."""
    pairs: dict[str, bytes] = {}
    while data:
        line, _, rest = data.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n", "a value with its length ends in a newline"
            rest = rest[1:]
        pairs[key.decode()] = value
        data = rest
    return pairs


def test_plain_values_are_lines() -> None:
    """Goal: what `strace` shows is readable. Method: the bytes themselves."""
    assert encode({"MESSAGE": "a = b", "PRIORITY": 5}) == b"MESSAGE=a = b\nPRIORITY=5\n"


def test_a_value_with_newlines_has_its_length_before_it() -> None:
    """Goal: a traceback is one field, and nobody adds fields with a newline. Method: the bytes."""
    value = "one\nPRIORITY=0"
    expected = b"MESSAGE\n" + len(value).to_bytes(8, "little") + value.encode() + b"\n"
    assert encode({"MESSAGE": value}) == expected


def test_undecodable_bytes_of_a_file_name_are_sent_as_they_were() -> None:
    """Goal: the name in the journal is the name on the disk. Method: a byte that is no UTF-8."""
    name = b"/srv/caf\xe9".decode(errors="surrogateescape")
    assert decode(encode({"MESSAGE": name}))["MESSAGE"] == b"/srv/caf\xe9"


def test_what_is_no_text_at_all_is_written_out() -> None:
    """Goal: a log line never stops the daemon. Method: half of a surrogate pair."""
    assert decode(encode({"MESSAGE": "a\ud800b"}))["MESSAGE"] == b"a\\ud800b"


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), texts, max_size=5))
def test_any_values_are_read_back(pairs: dict[str, str]) -> None:
    """Goal: no value breaks out of its field. Method: any text, read as journald reads it."""
    read = decode(encode(pairs))
    assert read.keys() == pairs.keys()
    for key, value in pairs.items():
        if value.isprintable():
            assert read[key] == value.encode()


def test_fields_are_named_for_journalctl() -> None:
    """Goal: `journalctl HBD_PEER=…` and `MESSAGE_ID=…` work. Method: the extra of a log call."""
    assert fields(MessageId.PEER_LOST, peer="ttisrv2") == {
        "journal": {
            "HBD_PEER": "ttisrv2",
            "HBD_EVENT": "peer-lost",
            "MESSAGE_ID": MessageId.PEER_LOST.value,
        }
    }
    assert fields(link="eth1") == {"journal": {"HBD_LINK": "eth1"}}


def test_every_message_has_an_identity_of_its_own() -> None:
    """Goal: one identity, one event. Method: 128 bits in hexadecimal, none twice."""
    ids = [message_id.value for message_id in MessageId]
    assert len(set(ids)) == len(ids)
    assert all(len(value) == 32 and int(value, 16) > 0 for value in ids)


class Journald:
    """A socket where journald's would be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(10)
        self.handler = JournalHandler(path)
        self.log = logging.getLogger("hbd.tests.journal")
        self.log.setLevel(logging.DEBUG)
        self.log.propagate = False
        self.log.handlers[:] = [self.handler]

    def read(self) -> dict[str, bytes]:
        """One datagram."""
        return decode(self._socket.recv(65536))

    def stop(self) -> None:
        """journald is gone."""
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give all back."""
        self.stop()
        self.log.handlers.clear()
        self.handler.close()


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    """journald, and a logger that writes to it."""
    made = Journald(tmp_path / "socket")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.DEBUG, b"7"),
        (logging.INFO, b"6"),
        (NOTICE, b"5"),
        (logging.WARNING, b"4"),
        (logging.ERROR, b"3"),
        (logging.CRITICAL, b"2"),
    ],
)
def test_levels_are_syslogs_priorities(journald: Journald, level: int, priority: bytes) -> None:
    """Goal: `journalctl -p` works. Method: one line of each level."""
    journald.log.log(level, "a %s line", "short", extra=fields(MessageId.STARTED, node="ttisrv1"))
    read = journald.read()
    assert read["PRIORITY"] == priority
    assert read["MESSAGE"] == b"a short line"
    assert read["SYSLOG_IDENTIFIER"] == b"hbd"
    assert read["HBD_NODE"] == b"ttisrv1"
    assert read["MESSAGE_ID"] == MessageId.STARTED.value.encode()
    assert Path(read["CODE_FILE"].decode()).name == Path(__file__).name


def test_an_exception_is_part_of_its_line(journald: Journald) -> None:
    """Goal: a crash can be read in the journal. Method: a traceback, which has newlines."""
    try:
        int("out of cheese")
    except ValueError:
        journald.log.critical("Stopping", exc_info=True)
    message = journald.read()["MESSAGE"]
    assert message.startswith(b"Stopping\n")
    assert b"out of cheese" in message


def test_a_line_without_fields_is_a_line(journald: Journald) -> None:
    """Goal: `extra` may be left out. Method: none."""
    journald.log.info("plain")
    assert not any(key.startswith("HBD_") for key in journald.read())


def test_a_journal_that_is_away_costs_only_the_line(journald: Journald) -> None:
    """Goal: logging never stops the daemon. Method: the socket is gone."""
    journald.stop()
    journald.log.error("nobody hears this")
    assert journald.handler.lost_count == 1


def test_a_journal_that_does_not_read_costs_only_the_line(journald: Journald) -> None:
    """Goal: logging never blocks the loop. Method: more lines than the socket holds."""
    for _ in range(5000):
        journald.log.error("nobody reads this")
        if journald.handler.lost_count:
            break
    assert journald.handler.lost_count


def test_a_line_too_long_for_a_datagram_costs_only_the_line(journald: Journald) -> None:
    """Goal: no exception, whatever is logged. Method: 10 MB."""
    journald.log.error("x" * 10_000_000)
    assert journald.handler.lost_count == 1


def test_without_a_journal_lines_go_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: `hbd` in a terminal speaks. Method: no JOURNAL_STREAM; put the logger back after."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    log = logging.getLogger("hbd")
    before = (log.handlers[:], log.level, log.propagate)
    try:
        made = set_up(logging.WARNING)
        (handler,) = made.handlers
        assert isinstance(handler, logging.StreamHandler)
        assert handler.stream is sys.stderr
        assert made is log
        assert made.level == logging.WARNING
        assert set_up().handlers != [handler], "setting up anew replaces, and does not add"
        assert len(log.handlers) == 1
    finally:
        log.handlers[:], log.propagate = before[0], before[2]
        log.setLevel(before[1])
