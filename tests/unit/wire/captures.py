"""The messages of real heartbeat 3.0.6 nodes, captured on the wire, and what was done meanwhile.

One file per scenario: a line that describes it, then messages and events in the order of time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.cluster.terms import SECOND, Generation, Instant, LinkName, NodeName, Usec
from hbd.wire import codec
from hbd.wire.message import Message
from hbd.wire.session import Session

VECTORS = Path(__file__).parents[2] / "vectors"
SCENARIOS = sorted(
    path.stem for path in VECTORS.glob("*.jsonl") if not path.stem.startswith("config-")
)
ALPHA, BETA = NodeName("hpa"), NodeName("hpb")
UNIX_TIME = 1_700_000_000


@dataclass(frozen=True)
class Sighting:
    """One message as it was seen on the wire."""

    at: Instant
    link: LinkName
    source: NodeName
    destination: NodeName | None  # None: broadcast
    raw: bytes

    @property
    def signing_index(self) -> int:
        """The number of the key that it was signed with, read without any of our code."""
        found = re.findall(rb"(?:auth=|%%%\n\d+:)(\d+) [0-9a-f]+", self.raw)
        return int(found[-1])


@dataclass(frozen=True)
class Capture:
    """One scenario."""

    name: str
    is_thinned: bool  # messages were left out of the file
    keyring: Keyring
    sightings: tuple[Sighting, ...]

    def key(self, index: int) -> Key:
        """The key of that number, which the capture is sure to have."""
        key = self.keyring.get(index)
        assert key is not None
        return key

    def messages(self) -> Iterator[tuple[Sighting, Message]]:
        """Each sighting with what it decodes to."""
        for sighting in self.sightings:
            yield sighting, codec.decode(sighting.raw, self.keyring)

    def heard_by(self, node: NodeName) -> Iterator[Sighting]:
        """What was sent to `node` or to all, by the other node."""
        for sighting in self.sightings:
            if sighting.source != node and sighting.destination in (None, node):
                yield sighting

    def uuid(self, node: NodeName) -> bytes:
        """The uuid that `node` uses in this capture."""
        for sighting, message in self.messages():
            uuid = message.value("srcuuid")
            if sighting.source == node and uuid is not None:
                return uuid
        raise AssertionError(f"{node} says nothing in {self.name}")

    def session(self, node: NodeName) -> Session:
        """A session of ours in the place of `node`."""
        return Session(
            node=node,
            peer=BETA if node == ALPHA else ALPHA,
            uuid=self.uuid(node),
            keyring=self.keyring,
            generation=Generation(UNIX_TIME),
            ttl=3,
            max_rexmit_delay_usec=Usec(250_000),
            seed=1,
        )


def load(name: str) -> Capture:
    """Read one scenario."""
    lines = [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text().splitlines()]
    meta = lines[0]["meta"]
    keys = tuple(
        Key(int(index), AuthMethod(method), secret.encode())
        for index, (method, secret) in meta["keys"].items()
    )
    sightings = tuple(
        Sighting(
            Instant(round(line["t_offset_s"] * SECOND)),
            LinkName(line["link"]),
            NodeName(line["from"]),
            None if line["to"] == "*" else NodeName(line["to"]),
            line["raw"].encode("latin-1"),
        )
        for line in lines
        if "raw" in line
    )
    selected = sightings[0].signing_index
    return Capture(name, meta["thinned"], Keyring(keys, selected), sightings)


def created_fields(message: Message) -> Message:
    """What the message's creator wrote: all before the header that the sender adds."""
    names = [field.name for field in message.fields]
    end = names.index("destuuid") if "destuuid" in names else names.index("src")
    return Message(message.fields[:end])
