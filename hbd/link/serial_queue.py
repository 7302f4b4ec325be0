"""What waits for a serial line, kept so small that a slow line never lags behind.

A line slower than the keepalive cannot carry everything, so what is said next must be worth it:
of statuses only the newest waits, of the rest a few. No I/O here.
"""

from __future__ import annotations

from collections import deque
from typing import assert_never

from hbd.wire.session import Kind, Outgoing

# At 19200 baud a message takes about 0.15 s: 16 of them are as much as a peer with a deadtime of
# a few seconds can still use. Repairs are made again by the protocol when they are lost.
MESSAGES_MAX = 16
REPAIRS_MAX = 4


class SendQueue:
    """Three small queues that take turns, so that none can starve another."""

    def __init__(self) -> None:
        status: deque[bytes] = deque(maxlen=1)
        messages: deque[bytes] = deque(maxlen=MESSAGES_MAX)
        repairs: deque[bytes] = deque(maxlen=REPAIRS_MAX)
        self._by_turn = deque([messages, status, repairs])
        self._status, self._messages, self._repairs = status, messages, repairs

    def put(self, outgoing: Outgoing) -> int:
        """Let one message wait; gives how many waiting ones (0 or 1) had to go for it."""
        queue = self._queue_for(outgoing.kind)
        dropped = int(len(queue) == queue.maxlen)
        queue.append(outgoing.classic)
        return dropped

    def take(self) -> bytes | None:
        """The message to send next, or None. A kind that was just served goes last."""
        for queue in tuple(self._by_turn):
            if queue:
                self._by_turn.remove(queue)
                self._by_turn.append(queue)
                return queue.popleft()
        return None

    def clear(self) -> int:
        """Forget all; gives how many that were."""
        count = len(self)
        for queue in self._by_turn:
            queue.clear()
        return count

    def __len__(self) -> int:
        """How many messages wait."""
        return sum(len(queue) for queue in self._by_turn)

    def _queue_for(self, kind: Kind) -> deque[bytes]:
        match kind:
            case Kind.STATUS:
                return self._status
            case Kind.MESSAGE:
                return self._messages
            case Kind.REPAIR:
                return self._repairs
            case _:
                assert_never(kind)
