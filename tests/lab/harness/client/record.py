"""What the client writes: numbered records whose content follows from their number alone.

So any record can be checked by anybody at any time, and writing one twice, when the answer to the
first write was lost, changes nothing.
"""

from __future__ import annotations

import hashlib

SIZE = 256  # bytes; a file holds record n at n * SIZE


def record(stream: str, number: int) -> bytes:
    """The bytes of record `number` of a stream: a readable head, then a digest that fills it up."""
    head = f"{stream} {number:010d} ".encode()
    digest = hashlib.sha256(head).hexdigest().encode()
    return (head + digest * (SIZE // len(digest)))[: SIZE - 1] + b"\n"
