"""A raw Ethernet socket on one interface: frames out and in (packet(7)). No frame has a meaning."""

from __future__ import annotations

import array
import errno
import socket
import struct

_ARPHRD_ETHER = 1
_PACKET_OUTGOING = 4
_FRAME_SIZE = 2048  # more than any frame asked for here; longer ones are cut, and not ours
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python does not name it

# Classic BPF, (code, jump if true, jump if false, operand): pass ICMPv6 advertisements only. A busy
# file server receives more IPv6 in one probe's time than the socket could hold.
_LOAD_BYTE, _JUMP_IF_EQUAL, _RETURN = 0x30, 0x15, 0x06
NEIGHBOUR_ADVERTISEMENTS = (
    (_LOAD_BYTE, 0, 0, 20),  # the IPv6 header's next header
    (_JUMP_IF_EQUAL, 0, 3, 58),
    (_LOAD_BYTE, 0, 0, 54),  # the ICMPv6 type
    (_JUMP_IF_EQUAL, 0, 1, 136),
    (_RETURN, 0, 0, _FRAME_SIZE),
    (_RETURN, 0, 0, 0),
)
EVERYTHING: tuple[tuple[int, int, int, int], ...] = ()


class NotEthernetError(OSError):
    """The interface is of another kind: point-to-point, a tunnel. It has no neighbours to ask."""


class EthernetPort:
    """The interface's wire, non-blocking. Opening and sending raise OSError as the kernel does."""

    def __init__(
        self,
        interface: str,
        protocol: int = 0,
        only: tuple[tuple[int, int, int, int], ...] = EVERYTHING,
    ) -> None:
        """Open it for frames of one Ethernet `protocol`; with 0 nothing is ever received.

        `only` is a filter in classic BPF. NotEthernetError: there are no frames to speak of.
        """
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.settimeout(0)
            if only:
                self._attach(only)
            self._socket.bind((interface, protocol))
            self.mac = self._own_mac()
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> EthernetPort:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def receive(self) -> bytes | None:
        """Return the next frame from elsewhere, b"" for one of our own, None when none is there."""
        try:
            frame, (_, _, kind, _, _) = self._socket.recvfrom(_FRAME_SIZE)
        except (BlockingIOError, InterruptedError):
            return None
        return b"" if kind == _PACKET_OUTGOING else frame

    def _own_mac(self) -> bytes:
        _, _, _, hardware, mac = self._socket.getsockname()
        if hardware != _ARPHRD_ETHER:
            raise NotEthernetError(errno.EPROTONOSUPPORT, "it is not an Ethernet interface")
        return bytes(mac)

    def _attach(self, only: tuple[tuple[int, int, int, int], ...]) -> None:
        """Set the filter before the socket is bound, so that nothing comes in around it."""
        program = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in only))
        address, _ = program.buffer_info()
        self._socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(only), address)
        )
