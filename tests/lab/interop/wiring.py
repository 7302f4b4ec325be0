"""The three files that both nodes read, byte for byte the same on both.

Times are short, but as heartbeat allows them: deadtime above twice keepalive, initdead not below
deadtime. It warns of an initdead below 10 s, so that is what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hbd.cluster.keys import AuthMethod, Key, Keyring
from tests.lab.harness import files

HOME, AWAY = files.NODE_NAMES
KEEPALIVE = 1.0  # s
DEADTIME = 5.0
INITDEAD = 10.0
SETTLES = 10.0  # s that heartbeat waits after its start for what the other one may hold (RQSTDELAY)
CROSSOVER = "eth1"
KEY = "ttikey"
GROUP, PORT = "225.0.0.1", 694  # of the multicast medium


class Medium(StrEnum):
    """How the nodes hear each other."""

    UCAST = "ucast"
    BCAST = "bcast"
    MCAST = "mcast"
    SERIAL = "serial"


class Method(StrEnum):
    """How messages are signed: what heartbeat knows."""

    CRC = "crc"
    MD5 = "md5"
    SHA1 = "sha1"

    @property
    def keyring(self) -> Keyring:
        """The one key that both nodes have."""
        secret = b"" if self is Method.CRC else KEY.encode()
        return Keyring((Key(1, AuthMethod(self.value), secret),), 1)


class Failback(StrEnum):
    """What happens to groups away from home once their node returns."""

    ON = "on"
    OFF = "off"
    LEGACY = "legacy"


_UCAST = "".join(
    f"ucast {CROSSOVER} {address.partition('/')[0]}\n" for address in files.CROSS_ADDRESSES.values()
)
_LINES = {
    Medium.UCAST: _UCAST,
    Medium.BCAST: f"bcast {CROSSOVER}\n",
    Medium.MCAST: f"mcast {CROSSOVER} {GROUP} {PORT} 1 0\n",
    Medium.SERIAL: "serial /dev/ttyS0\n",
}
_KEYS = {Method.CRC: "crc", Method.MD5: f"md5 {KEY}", Method.SHA1: f"sha1 {KEY}"}

# One group for each node. The first holds the article's address and disk, by heartbeat's agents on
# one side and by netlink and systemd on the other; each holds a resource that the witness can see.
FIRST = f"{files.SHARED_ADDRESS}/24/eth0"
SECOND = "holds::second"
HARESOURCES = (
    f"{HOME} {FIRST} Filesystem::{files.DEVICE}::{files.MOUNT_POINT}::ext4 holds::first\n"
    f"{AWAY} {SECOND}\n"
)


# heartbeat decides some things by the order of names, so in half of the columns hbd is the other
# node, whose own group is not the one with the disk.
_HBD_IS_AWAY = frozenset(
    {"ucast-md5", "bcast-crc", "bcast-sha1", "mcast-md5", "mcast-sha1", "serial-md5"}
)


@dataclass(frozen=True, slots=True)
class Wiring:
    """One column of the matrix, and how groups come home."""

    medium: Medium = Medium.UCAST
    method: Method = Method.SHA1
    failback: Failback = Failback.ON
    deadtime: float = DEADTIME  # s

    def __str__(self) -> str:
        return f"{self.medium}-{self.method}"

    @property
    def hbd_is_home(self) -> bool:
        """Whether hbd runs on ttisrv1, and heartbeat on ttisrv2."""
        return str(self) not in _HBD_IS_AWAY

    @property
    def link(self) -> str:
        """What both daemons call the medium."""
        return "/dev/ttyS0" if self.medium is Medium.SERIAL else CROSSOVER

    def files(self) -> dict[str, tuple[str, int]]:
        """Path to text and mode, for either node."""
        return {
            "/etc/ha.d/ha.cf": (self._ha_cf(), 0o644),
            "/etc/ha.d/authkeys": (f"auth 1\n1 {_KEYS[self.method]}\n", 0o600),
            "/etc/ha.d/haresources": (HARESOURCES, 0o644),
        }

    def _ha_cf(self) -> str:
        return (
            "logfile /var/log/ha-log\n"
            "debugfile /var/log/ha-debug\n"
            f"keepalive {KEEPALIVE:g}\n"
            f"deadtime {self.deadtime:g}\n"
            f"initdead {max(self.deadtime, INITDEAD):g}\n"
            f"udpport {PORT}\n"
            f"{_LINES[self.medium]}"
            f"auto_failback {self.failback}\n"
            f"node {HOME}\n"
            f"node {AWAY}\n"
        )
