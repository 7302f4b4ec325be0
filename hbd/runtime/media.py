"""All links as one: every message goes out on each, whatever comes in on any is heard once.

Binds the wire's session (signatures, numbering, repair) to the links and gives the core events. It
decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hbd.cluster.action import Announce, SayGoodbye, SendHeartbeat
from hbd.cluster.event import LineChanged, LinkHeard
from hbd.cluster.terms import Generation, LineState, LinkName, NodeName, Usec
from hbd.config.model import Broadcast, Config, Medium, Multicast, Ping, Serial, Unicast
from hbd.journal import MessageId, fields
from hbd.link import udp_media
from hbd.link.link import Counters, Link
from hbd.link.ping import PingLink
from hbd.link.serial import SerialLink
from hbd.link.speech import Speech, event_of
from hbd.link.udp import UdpLink
from hbd.link.udp_receiver import Receivers
from hbd.r1.translator import Heard, Translator
from hbd.runtime.clock import Alarm, now
from hbd.runtime.inbox import Item
from hbd.wire import message
from hbd.wire.message import Message, MessageType
from hbd.wire.session import Outgoing, Session, Verdict

LOADAVG: Final = Path("/proc/loadavg")
DRAIN_SECONDS: Final = 1.0  # three goodbyes of 400 bytes at 19200 baud take 0.6 s
REJECTS_TOLD_EVERY: Final = 3600 * 1_000_000  # µs: a hostile sender does not write our journal

_log = logging.getLogger("hbd.link")


class Media:
    """The links of this node and the one conversation that runs over all of them."""

    def __init__(
        self,
        media: Sequence[Medium],
        session: Session,
        speech: Speech,
        translator: Translator,
        post: Callable[[Item], None],
        on_fault: Callable[[], None],
        keepalive_usec: Usec,
        *,
        tell_rejects: bool = True,
    ) -> None:
        """`tell_rejects` is ha.cf's log_badpack: refused messages are counted in any case."""
        self._session = session
        self._speech = speech
        self._translator = translator
        self._post = post
        self._on_fault = on_fault
        self._alarm = Alarm(self._repair)
        self._receivers = Receivers()
        self._keepalive_usec = keepalive_usec
        self._tells_rejects = tell_rejects
        self._told_rejects: dict[LinkName, int] = {}
        self._media = tuple(media)
        self.on_check: Callable[[str | None], None] | None = None  # asked (None), or told what
        self.links: tuple[Link, ...] = tuple(self._link(medium) for medium in media)

    # --- life -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Open every link, or begin to try."""
        for link in self.links:
            link.open()

    def reconfigure(self, config: Config, preferred: Speech) -> frozenset[LinkName]:
        """Open, close and retime links, and change keys, as `config` has it; answers the new ones.

        A link of which nothing changed is not touched. Nothing here can fail: a link that cannot
        be opened goes on trying.
        """
        self._session.replace_keyring(config.keys)
        self._session.retune(config.ttl, config.max_rexmit_delay_usec)
        self._speech = preferred
        self._keepalive_usec = config.timing.keepalive_usec
        self._tells_rejects = config.log_badpack
        kept: dict[LinkName, Link] = {}
        for link, medium in zip(self.links, self._media, strict=True):
            if medium in config.media:
                kept[link.name] = link
            else:
                link.close()
                self._told_rejects.pop(link.name, None)
        self._media = config.media
        self.links = tuple(kept.get(each.name) or self._link(each) for each in self._media)
        for link in self.links:
            if isinstance(link, PingLink):
                link.retime(self._keepalive_usec)
            if link.name not in kept:
                link.open()
        return frozenset(link.name for link in self.links) - kept.keys()

    async def close(self) -> None:
        """Close them all, when what was said last has gone out or will not go out any more."""
        self._alarm.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(link.drain() for link in self.links))
        for link in self.links:
            link.close()

    def interface_changed(self, interface: str, *, carries: bool) -> None:
        """Netlink says that something about an interface is different now.

        Without carrier a wire is dead. With it there may be a switch at its other end: that says
        nothing of the peer.
        """
        for link in self.links:
            if link.interface in (interface, None):
                link.interface_changed()
            if link.interface == interface:
                line = LineState.UNKNOWN if carries else LineState.DEAD
                self._post(LineChanged(link.name, line))

    # --- out ------------------------------------------------------------------------------------

    def say(self, action: SendHeartbeat | Announce | SayGoodbye) -> None:
        """Send what the core wants said, on every link, as the peer understands it."""
        words = self._translator.message(action, self._speech.message)
        if words is not None:
            self.send(words)

    def renew(self, generation: Generation) -> None:
        """Begin a new life on the wire; the next status announces it."""
        self._session.renew(generation)

    def tell_check(self, peer: NodeName, found: str | None) -> None:
        """Ask what the peer's half of a check finds (None), or tell what ours has found."""
        words = message.hbd_check(peer) if found is None else message.hbd_found(peer, found)
        self.send(words)

    def send(self, words: Message) -> None:
        """Number, sign and send one message on every link."""
        outgoing = self._session.send(
            words,
            now=now(),
            unix_time=int(time.time()),
            load_average=_load_average(),
        )
        self._send(outgoing)

    def forget_peer(self) -> None:
        """The peer is lost: its numbering may begin anew."""
        self._session.peer_lost()
        self._alarm.set(self._session.next_due())

    def _send(self, outgoing: Outgoing) -> None:
        for link in self.links:
            link.send(outgoing)

    def _repair(self) -> None:
        for outgoing in self._session.due(now(), int(time.time())):
            self._send(outgoing)
        self._alarm.set(self._session.next_due())

    # --- in -------------------------------------------------------------------------------------

    def _heard(self, link: LinkName, data: bytes) -> None:
        received = self._session.receive(link, data, now(), int(time.time()))
        if received.verdict is Verdict.REJECTED:
            self._tell_reject(link)
            return
        for reply in received.replies:
            self._send(reply)
        self._alarm.set(self._session.next_due())
        if received.verdict in (Verdict.NEW, Verdict.LATE) and received.message is not None:
            self._hear_check(received.message)
        self._translator.recognise(received)
        if self._translator.is_heartbeat:
            self._post(Heard(link, received))
            return
        event = event_of(link, received)
        if event is not None:
            self._post(event)

    def _sensed(self, link: LinkName, line: LineState) -> None:
        self._post(LineChanged(link, line))

    def _hear_check(self, heard: Message) -> None:
        if self.on_check is None:
            return
        if heard.known_type is MessageType.HBD_CHECK:
            self.on_check(None)
        elif heard.known_type is MessageType.HBD_FOUND:
            self.on_check(heard.found)

    def _answered(self, link: LinkName) -> None:
        self._post(LinkHeard(link))

    def _tell_reject(self, link: LinkName) -> None:
        """One line per link and hour; the numbers are on D-Bus."""
        if not self._tells_rejects:
            return
        moment = now()
        last = self._told_rejects.get(link)
        if last is not None and moment - last < REJECTS_TOLD_EVERY:
            return
        self._told_rejects[link] = moment
        reasons = {reason: count for (at, reason), count in self.rejected.items() if at == link}
        _log.warning(
            "Rejected messages on link %s by reason: %s; counted, and told once an hour",
            link,
            reasons,
            extra=fields(MessageId.REJECTED_INPUT, link=link),
        )

    # --- for display ------------------------------------------------------------------------------

    @property
    def rejected(self) -> Mapping[tuple[LinkName, str], int]:
        """Refused inputs by link and reason."""
        return self._session.rejected

    def counters(self) -> dict[LinkName, dict[str, int]]:
        """What each link has done, by the words of `Counters`, and what was refused on it."""
        rejected: dict[LinkName, int] = {}
        for (name, _), count in self.rejected.items():
            rejected[name] = rejected.get(name, 0) + count
        return {
            link.name: _numbers(link.counters)
            | {"rejected": rejected.get(link.name, 0)}
            | self._loss(link.name)
            for link in self.links
        }

    def _loss(self, link: LinkName) -> dict[str, int]:
        """How many of the peer's messages came on the link, and how many should have."""
        tally = self._session.tallies.get(link)
        return {} if tally is None else {"heard": tally.heard, "missed": tally.missed}

    def faults(self) -> dict[LinkName, str]:
        """Why links cannot work now."""
        return {link.name: link.fault for link in self.links if link.fault is not None}

    def _fault(self, link: LinkName, fault: str | None) -> None:
        extra = fields(MessageId.LINK_FAULT, link=link)
        if fault is None:
            _log.info("Link %s can work again", link, extra=extra)
        else:
            _log.warning("Link %s cannot work: %s; trying again", link, fault, extra=extra)
        self._on_fault()

    # --- building ---------------------------------------------------------------------------------

    def _link(self, medium: Medium) -> Link:
        match medium:
            case Serial():
                return SerialLink(
                    medium.name,
                    medium.device,
                    medium.baud,
                    self._heard,
                    self._fault,
                    self._sensed,
                )
            case Ping():
                return PingLink(
                    medium.name,
                    medium.addresses,
                    self._keepalive_usec,
                    self._answered,
                    self._fault,
                )
            case _:
                return UdpLink(medium.name, _udp(medium), self._receivers, self._heard, self._fault)


def _udp(medium: Broadcast | Multicast | Unicast) -> udp_media.Medium:
    match medium:
        case Broadcast():
            return udp_media.Broadcast(medium.interface, medium.port)
        case Unicast():
            return udp_media.Unicast(medium.interface, medium.address, medium.port)
        case Multicast():
            return udp_media.Multicast(
                medium.interface, medium.group, medium.port, medium.ttl, medium.loop
            )


def _numbers(counters: Counters) -> dict[str, int]:
    return {
        "bytes_sent": counters.bytes_sent,
        "bytes_received": counters.bytes_received,
        "messages_sent": counters.messages_sent,
        "messages_received": counters.messages_received,
        "dropped": counters.dropped,
        "errors": counters.errors,
        "noise_bytes": counters.noise_bytes,
    }


def _load_average() -> str:
    """heartbeat's `ld` field: the line of /proc/loadavg."""
    try:
        return LOADAVG.read_text().strip()
    except OSError:
        return "0.00 0.00 0.00 0/0 0"
