"""What the three files of /etc/ha.d say, as frozen types.

Everything here has been checked: a `Config` that exists can be run. It does not know where the
text came from or how it was written; the words and their meaning are ha.cf(5)'s, authkeys(5)'s and
haresources(5)'s. Times are microseconds unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hbd.cluster.keys import Keyring
from hbd.cluster.terms import AutoFailback, GroupName, LinkName, NodeName, Usec
from hbd.cluster.timing import Timing


class Severity(Enum):
    """How much a remark matters: a notice explains, a warning says the cluster is weaker."""

    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """Something accepted, but done differently or with a risk; `line` 0 is the file as a whole."""

    file: str
    line: int
    text: str
    severity: Severity

    def __str__(self) -> str:
        """`file:line: text`, and `file:line: warning: text`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        word = "warning: " if self.severity is Severity.WARNING else ""
        return f"{place}: {word}{self.text}"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`bcast IF` and `udp IF`: datagrams to the interface's IPv4 broadcast address."""

    name: LinkName
    interface: str
    port: int


@dataclass(frozen=True, slots=True)
class Multicast:
    """`mcast` and `mcast6`: `group` is IPv4 or IPv6; `ttl` is the hop limit there."""

    name: LinkName
    interface: str
    group: str
    port: int
    ttl: int
    loop: bool


@dataclass(frozen=True, slots=True)
class Unicast:
    """`ucast` and `ucast6`: `address` is numeric, IPv4 or IPv6, never a name."""

    name: LinkName
    interface: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Serial:
    """`serial DEV`: a null-modem line; `baud` is what was set before the line in ha.cf."""

    name: LinkName
    device: str
    baud: int


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`, `ping6`, `ping_group`: a pseudo node, alive while any of `addresses` answers."""

    name: LinkName
    addresses: tuple[str, ...]


Medium = Broadcast | Multicast | Unicast | Serial | Ping


@dataclass(frozen=True, slots=True)
class AddressResource:
    """A shared address; what is None is found by route, as heartbeat does. `text` as written.

    `address` and `broadcast` are in canonical numeric form, `prefix` is a length.
    """

    text: str
    address: str
    prefix: int | None
    interface: str | None
    broadcast: str | None


@dataclass(frozen=True, slots=True)
class FilesystemResource:
    """A mount. `device` is what mount(8) takes: a path, `LABEL=x`, `UUID=x`, `host:/path`.

    `fstype` is `auto` when the file gives none; `directory` has no trailing slash.
    """

    text: str
    device: str
    directory: str
    fstype: str
    options: str | None


@dataclass(frozen=True, slots=True)
class ServiceResource:
    """A word and its arguments: a systemd unit or a script. Which one is not decided here."""

    text: str
    word: str
    arguments: tuple[str, ...]


ResourceConfig = AddressResource | FilesystemResource | ServiceResource


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """One line of haresources: started left to right, stopped right to left."""

    name: GroupName
    preferred: NodeName
    resources: tuple[ResourceConfig, ...]
    file: str
    line: int


class MessageFormat(Enum):
    """ha.cf `msgfmt`: whether datagrams carry the inner signature of the classic form too."""

    CLASSIC = "classic"
    NETSTRING = "netstring"


class GenerationMethod(Enum):
    """ha.cf `hbgenmethod`: where the first generation number comes from."""

    FILE = "file"
    TIME = "time"


class UuidSource(Enum):
    """ha.cf `uuidfrom`: whether the node's uuid is kept in a file or made from its name."""

    FILE = "file"
    NODENAME = "nodename"


class Fencing(Enum):
    """ha.cf `fencing`: what must be sure before a lost peer's groups are taken over."""

    AUTO = "auto"  # whatever is there: reservations, else devices, else only a warning
    RESERVATION = "reservation"  # the disks themselves
    STONITH = "stonith"  # the devices of stonith and stonith_host
    NONE = "none"  # nothing: the links and times of ha.cf, as in heartbeat
    REQUIRED = "required"  # like auto, but where nothing protects nothing is taken over


@dataclass(frozen=True, slots=True)
class FenceDevice:
    """One device that turns a machine off, through a fence agent of Debian's fence-agents.

    `parameters` hold passwords and are never shown. `target` is the node it powers, None for any.
    """

    agent: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    target: NodeName | None
    line: int


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of one node. `media`, `groups` and `env` are in file order."""

    nodes: tuple[NodeName, ...]
    local: NodeName
    peer: NodeName | None  # None: a cluster of one, accepted with a warning
    timing: Timing
    deadping_usec: Usec
    media: tuple[Medium, ...]
    auto_failback: AutoFailback
    hopfudge: int
    log_badpack: bool
    max_rexmit_delay_usec: Usec
    msgfmt: MessageFormat
    hbgenmethod: GenerationMethod
    uuidfrom: UuidSource
    fencing: Fencing
    fence_devices: tuple[FenceDevice, ...]  # that this node can reach, in the order of ha.cf
    watchdog: str | None  # a device path as written
    realtime: bool
    rtprio: int | None
    debug: int
    env: tuple[tuple[str, str], ...]  # (NAME, VALUE), without heartbeat's prefix HA_
    keys: Keyring
    groups: tuple[GroupConfig, ...]
    notices: tuple[Notice, ...]

    @property
    def ttl(self) -> int:
        """The wire's `ttl` field: hopfudge and all configured nodes, ping nodes included."""
        pings = sum(isinstance(medium, Ping) for medium in self.media)
        return self.hopfudge + len(self.nodes) + pings
