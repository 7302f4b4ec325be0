"""What really went over the medium: an ear on both cables, and on the serial line.

Each message is decoded with the cluster's keys, so that a story can count what was asked for again,
sent again and acknowledged, by whom: the judge is the wire and not a daemon's word.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from hbd.cluster.keys import Keyring
from hbd.errors import CodecError
from hbd.wire import codec
from hbd.wire.message import Message
from hbd.wire.stream import ClassicFramer
from tests.lab.harness.host import now

CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_ETH_P_ALL = 0x0003
_ETHER, _UDP = 14, 8  # bytes of these headers
_PROTOCOL_UDP = 17
_LOOKS_UP = 0.2  # s after which a listener that hears nothing asks whether it is still wanted
_BUFFER = 4 << 20  # bytes the kernel keeps for us while this machine is busy
_TOLD = (
    "st",
    "dest",
    "rsc_hold",
    "rtype",
    "isstable",
    "info",
    "ipaddr",
    "node",
    "result",
    "seq",
    "hg",
)
_LIBC = ctypes.CDLL(None, use_errno=True)


class Carrier(StrEnum):
    """What a message was put on."""

    CABLE = "cable"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as `sender`'s node put it on the medium."""

    at: float  # s, the lab's clock
    node: str
    carrier: Carrier
    message: Message


class Tap:
    """Collects until `close`. What none of the keys has signed is counted in `undecoded`."""

    def __init__(self, keyring: Keyring, port: int) -> None:
        self._keyring = keyring
        self._port = port
        self._lock = threading.Lock()
        self._sent: list[Sent] = []
        self._status: dict[str, str] = {}  # of the ladder: what a node's status was last
        self._bytes: Counter[str] = Counter()
        self.undecoded: Counter[str] = Counter()
        self._is_closed = threading.Event()
        self._ear: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._framers: dict[str, ClassicFramer] = {}

    def hear_cables(self, namespace: str, nodes: Mapping[str, str]) -> None:
        """Listen in the wires' namespace; `nodes` says whose cable ends at which port.

        One ear for all ports: a node that is switched off takes its cable along.
        """
        self._ear = _opened_in(namespace)
        self._thread = threading.Thread(target=self._listen, args=(self._ear, nodes), daemon=True)
        self._thread.start()

    def hear_bytes(self, node: str, data: bytes) -> None:
        """Bytes that a node wrote to its serial line."""
        framer = self._framers.setdefault(node, ClassicFramer())
        for message in framer.feed(data):
            self._take(node, Carrier.SERIAL, message)

    def close(self) -> None:
        """Listen no more."""
        self._is_closed.set()
        if self._thread is not None and self._ear is not None:
            self._thread.join()
            self._ear.close()

    def sent(self, node: str, since: float = 0.0, kind: str | None = None) -> list[Message]:
        """What a node has sent since then, in order; of one type only if `kind` names it."""
        with self._lock:
            return [
                each.message
                for each in self._sent
                if each.node == node
                and each.at >= since
                and (kind is None or each.message.type == kind)
            ]

    def silence(self, node: str, carrier: Carrier, since: float, until: float) -> float:
        """The longest time within the window in which a node put nothing on a carrier, in s."""
        with self._lock:
            marks = [
                each.at
                for each in self._sent
                if (each.node, each.carrier) == (node, carrier) and since <= each.at <= until
            ]
        return max(after - before for before, after in pairwise([since, *marks, until]))

    def ladder(self, since: float = 0.0) -> list[str]:
        """What was said of groups and lives, a line each, with seconds since then and the sender.

        Heartbeats, acknowledgements and what is sent again are left out.
        """
        with self._lock:
            sent = [each for each in self._sent if each.at >= since]
        lines: list[str] = []
        seen: set[tuple[str, int, int | None]] = set()
        for each in sent:
            message = each.message
            life = (each.node, message.generation, message.sequence)
            news = message.get("st") if message.type == "status" else ""
            if message.is_control or life in seen or news == self._status.get(each.node):
                continue
            seen.add(life)
            if news:
                self._status[each.node] = news
            said = [f"{name}={message.get(name)}" for name in _TOLD if message.get(name)]
            lines.append(f"{each.at - since:8.3f} {each.node} {message.type} {' '.join(said)}")
        return lines

    def bytes_from(self, node: str) -> int:
        """How much a node has sent: of datagrams their payload."""
        return self._bytes[node]

    def resent(self, node: str, since: float = 0.0) -> set[int]:
        """The sequence numbers that a node sent more than once, of one life of it."""
        seen = Counter(
            (message.generation, message.sequence)
            for message in self.sent(node, since)
            if message.sequence is not None
        )
        return {number for (_, number), count in seen.items() if count > 1}

    def _listen(self, ear: socket.socket, nodes: Mapping[str, str]) -> None:
        while not self._is_closed.is_set():
            try:
                frame, origin = ear.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError as error:
                if error.errno == errno.ENETDOWN:  # a port went down; the others are still there
                    continue
                raise
            node = nodes.get(origin[0])
            if node is None or origin[2] == socket.PACKET_OUTGOING:
                continue
            if data := self._payload(frame):
                self._take(node, Carrier.CABLE, data)

    def _payload(self, frame: bytes) -> bytes | None:
        header = frame[_ETHER:]
        if frame[12:14] != b"\x08\x00" or header[9] != _PROTOCOL_UDP:
            return None
        udp = header[(header[0] & 0x0F) * 4 :]
        if int.from_bytes(udp[2:4]) != self._port:
            return None
        return udp[_UDP : int.from_bytes(udp[4:6])]

    def _take(self, node: str, carrier: Carrier, data: bytes) -> None:
        moment = now()
        self._bytes[node] += len(data)
        try:
            message = codec.decode(data, self._keyring)
        except CodecError as error:
            self.undecoded[f"{node}: {error}"] += 1
            return
        with self._lock:
            self._sent.append(Sent(moment, node, carrier, message))


def _opened_in(namespace: str) -> socket.socket:
    """A packet socket on all interfaces of another network namespace."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            space = os.open(Path("/run/netns", namespace), os.O_RDONLY)
            try:
                if _LIBC.setns(space, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
            finally:
                os.close(space)
            ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            ear.settimeout(_LOOKS_UP)
            made.append(ear)
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)  # a thread of its own: only that one changes its place
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]
