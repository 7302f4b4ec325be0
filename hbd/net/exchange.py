"""Netlink's envelope: framed messages to and from the kernel's routing socket, as bytes.

It knows headers, sequence numbers, dumps and errors (netlink(7), linux/netlink.h), and no message's
meaning. hbd carries pyroute2's messages itself because the library's own sockets differ between
the versions it must live with: 0.7's block the event loop, 0.9's refuse to run inside one.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_SEQUENCE_OFFSET = 8

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_DUMP_INTR = 0x10  # the tables changed while they were dumped: what came may lack an entry
_NLMSG_ERROR, _NLMSG_DONE = 2, 3

_SOL_NETLINK, _NETLINK_GET_STRICT_CHK = 270, 12
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python does not name it
_RECEIVE_SIZE = 65536  # the kernel fills at most 32 KiB of a dump into one datagram
_ANSWER_LIMIT_SEC = 10  # the kernel answers at once, but waits for its own lock (a driver's reset)
_DUMP_ATTEMPTS = 10
_EVENT_BUFFER_BYTES = 1 << 20  # a storm of some thousand link changes; beyond it, EventsLost
_KERNEL_PORT = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One netlink message: its type, and the whole of it including the header."""

    type: int
    flags: int
    sequence: int
    data: bytes


def frames(datagram: bytes) -> Iterator[Frame]:
    """Cut a datagram into its messages; a length that cannot be is an OSError (EBADMSG)."""
    offset = 0
    while offset + HEADER.size <= len(datagram):
        length, kind, flags, sequence, _ = HEADER.unpack_from(datagram, offset)
        if length < HEADER.size or offset + length > len(datagram):
            raise OSError(errno.EBADMSG, "the kernel's message is cut short")
        yield Frame(kind, flags, sequence, datagram[offset : offset + length])
        offset += (length + 3) & ~3  # NLMSG_ALIGN


def failure(frame: Frame) -> OSError | None:
    """Return what an error message says, or None when it is a mere acknowledgement."""
    (code,) = struct.unpack_from("=i", frame.data, HEADER.size)
    return OSError(-code, os.strerror(-code)) if code else None


class Requests:
    """A socket for requests. Blocking: the caller keeps it off the event loop.

    A request that changes the network waits for the kernel's one lock over all interfaces, which a
    driver that resets its card may keep for seconds; heartbeats must not wait with it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.settimeout(_ANSWER_LIMIT_SEC)
        self._socket.bind((0, 0))
        with suppress(OSError):  # before Linux 4.20: the kernel sends every table, we pick ours
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def change(self, request: bytes) -> None:
        """Have one change made and acknowledged; the kernel's refusal is an OSError."""
        for _ in self._answers(self._send(request)):
            pass

    def dump(self, request: bytes) -> list[bytes]:
        """Return every entry of the table that is asked for, from one consistent reading."""
        for _ in range(_DUMP_ATTEMPTS):
            answers = list(self._answers(self._send(request)))
            if not any(frame.flags & NLM_F_DUMP_INTR for frame in answers):
                return [frame.data for frame in answers if frame.type != _NLMSG_DONE]
        raise OSError(errno.EAGAIN, "the kernel's tables change faster than they can be read")

    def _send(self, request: bytes) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        numbered = bytearray(request)
        struct.pack_into("=I", numbered, _SEQUENCE_OFFSET, self._sequence)
        self._socket.send(numbered)
        return self._sequence

    def _answers(self, sequence: int) -> Iterator[Frame]:
        """Yield the messages of one answer, dropping late ones to a request given up before."""
        while True:
            datagram, _, flags, sender = self._socket.recvmsg(_RECEIVE_SIZE)
            if sender[0] != _KERNEL_PORT:
                continue
            if flags & socket.MSG_TRUNC:
                raise OSError(
                    errno.EBADMSG, "the kernel's answer is longer than any it is known to give"
                )
            for frame in frames(datagram):
                if frame.sequence != sequence:
                    continue
                if frame.type == _NLMSG_ERROR:
                    if (error := failure(frame)) is not None:
                        raise error
                    return
                yield frame
                if frame.type == _NLMSG_DONE:
                    return


class Subscription:
    """A socket for what happens. Non-blocking: read it when the event loop says so."""

    def __init__(self, groups: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _EVENT_BUFFER_BYTES)
        with suppress(PermissionError):  # without CAP_NET_ADMIN, net.core.rmem_max is the limit
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _EVENT_BUFFER_BYTES)
        self._socket.bind((0, groups))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def read(self) -> list[Frame] | None:
        """Return one datagram's messages, none when none is there, None when some were lost."""
        try:
            datagram, _, _, sender = self._socket.recvmsg(_RECEIVE_SIZE)
            return list(frames(datagram)) if sender[0] == _KERNEL_PORT else []
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:  # ENOBUFS: the buffer overran
            return None
