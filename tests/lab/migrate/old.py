"""The files of the cluster as heartbeat's administrator left them, and the rounds of new keys."""

from __future__ import annotations

from typing import Final

from hbd.cluster.keys import AuthMethod, Key, Keyring
from tests.lab.harness import files

HA_CF: Final = """\
logfile /var/log/ha-log
keepalive 1
deadtime 5
initdead 10
baud 19200
serial /dev/ttyS0
bcast eth1
auto_failback off
node ttisrv1
node ttisrv2
"""
WARNTIME: Final = 2.5  # s: half of deadtime, as nothing else is said
PORT: Final = 694  # heartbeat's own
CROSSOVER: Final = "eth1"

# Debian's ganesha has no init script, so heartbeat needs one of the administrator's; it stays the
# one that hbd runs. Samba has both: heartbeat runs the script, hbd the unit.
NFS: Final = "ganesha"
NFS_SCRIPT: Final = """\
#!/bin/sh
case $1 in
    start | stop) exec systemctl "$1" nfs-ganesha ;;
    status) systemctl -q is-active nfs-ganesha && echo running || { echo stopped; exit 3; } ;;
esac
"""
HARESOURCES: Final = (
    f"{files.NODE_NAMES[0]} {files.SHARED_ADDRESS}/24/eth0 "
    f"Filesystem::{files.DEVICE}::{files.MOUNT_POINT}::ext4 smbd {NFS}\n"
)

AUTHKEYS: Final = "/etc/ha.d/authkeys"
_OLD, _NEW = "1 sha1 the-old-secret", "2 sha256 a-new-secret-of-our-own"
BEFORE: Final = f"auth 1\n{_OLD}\n"
ROUNDS: Final = (f"auth 1\n{_OLD}\n{_NEW}\n", f"auth 2\n{_OLD}\n{_NEW}\n", f"auth 2\n{_NEW}\n")
BOTH_KEYS: Final = Keyring(
    (
        Key(1, AuthMethod.SHA1, b"the-old-secret"),
        Key(2, AuthMethod.SHA256, b"a-new-secret-of-our-own"),
    ),
    1,
)
