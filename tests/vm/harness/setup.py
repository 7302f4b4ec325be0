"""What the article's administrator does by hand: the disk, the package, the three files."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState, PeerStatus
from tests.lab.harness import files
from tests.lab.harness.host import LabError, now
from tests.lab.story.status import status
from tests.vm.harness import recipe
from tests.vm.harness.node import Node

SERVED_WITHIN = 900.0  # s: initdead, a start, and an emulated processor
_ASK_AGAIN = 1.0  # s: not every change has a line in the journal

# Twice the times of a real machine: two emulated ones on a busy machine are silent for seconds. On
# one that others keep very busy, HBD_VM_SLOWER=3 makes them six times.
SLOWER = float(os.environ.get("HBD_VM_SLOWER", "1"))
DEADTIME = 20.0 * SLOWER  # s
HA_CF = f"""\
logfacility local0
keepalive {DEADTIME / 10:.0f}
warntime {DEADTIME / 2:.0f}
deadtime {DEADTIME:.0f}
initdead {DEADTIME * 2:.0f}
auto_failback off
serial /dev/ttyS1
baud 19200
bcast eth1
node ttisrv1
node ttisrv2
"""

HARESOURCES = (
    f"ttisrv1 {files.SHARED_ADDRESS} Filesystem::{recipe.DEVICE}::{files.MOUNT_POINT}::ext4 "
    "smb nfslock nfs\n"
)

# The kernel server's own 90 s of lease and grace would be most of every gap.
_NFS_CONF = """\
[nfsd]
lease-time=10
grace-time=10
threads=4
"""

EXPORTED_TO = "192.168.0.0/24"
_EXPORTS = (
    f"{files.MOUNT_POINT} {EXPORTED_TO}"
    "(rw,fsid=0,sync,insecure,no_subtree_check,no_root_squash,mountpoint)\n"
)

_SLOWER = 8  # times, on a busy machine: an emulated processor against a real one

# An emulated processor on a busy machine loads for a minute what a real one loads in a second.
_SLOW_MACHINE = "[Service]\nTimeoutStartSec=300\n"

# What `systemctl daemon-reload` runs each time, and nothing here needs: most of its time.
_GENERATORS = (
    "bless-boot", "cryptsetup", "debug", "fstab", "getty", "gpt-auto", "hibernate-resume",
    "integritysetup", "rc-local", "run", "system-update", "sysv", "veritysetup",
)  # fmt: skip

# On a very busy machine the journal's port came too late for its unit's patience at boot.
_LIGHTEN = f"""
mkdir -p /etc/systemd/system-generators
for name in {" ".join(_GENERATORS)}; do
    ln -sf /dev/null /etc/systemd/system-generators/systemd-$name-generator
done
systemctl start lab-journal.service
"""

# hbd's own limits are a real machine's: there smbd starts within 0.2 s. A watchdog's driver must be
# there when hbd.service starts, which is allowed to open nothing that came later.
_INSTALL = f"""
modprobe softdog
tar -xf /root/lab.tar -C / --no-overwrite-dir
{_LIGHTEN}
dpkg --unpack /root/hbd.deb
limits=/usr/lib/python3/dist-packages/hbd/systemd/limits.py
for name in START STOP; do
    grep -q "^${{name}}_LIMIT_USEC: Final = Usec(" $limits
    sed -i "s/^\\(${{name}}_LIMIT_USEC: Final = \\)\\(Usec.*\\)/\\1Usec({_SLOWER} * \\2)/" $limits
done
DEBIAN_FRONTEND=noninteractive dpkg --configure hbd
systemctl enable -q --no-reload hbd
"""

LOGIN = f"""
iscsiadm -m node -o new -T {recipe.TARGET_IQN} -p {recipe.PORTAL}:{recipe.ISCSI_PORT}
iscsiadm -m node -T {recipe.TARGET_IQN} -o update -n node.startup -v automatic
systemctl enable -q open-iscsi.service
systemctl start open-iscsi.service
udevadm settle
test -b {recipe.DEVICE}
"""

# Once before the state is saved that every story begins with: a first start loads the kernel's NFS
# server, and reads from a cold disk what a machine that has served for a day has in memory.
WARM = """
systemctl start smbd.service rpc-statd.service nfs-server.service
systemctl stop nfs-server.service rpc-statd.service smbd.service
python3 -c 'import asyncio, ssl, dbus_next.aio, pyroute2, sdnotify, serial'
"""

# Samba's own file first: it says that the passwords are on the disk. And the file of the client's
# NFSv4: libnfs would make it without any right to it, which the kernel's server takes at its word.
MAKE_FILE_SYSTEM = f"""
cat >/etc/samba/smb.conf <<'END'
{files.SMB_CONF}
END
mkfs.ext4 -q -L ttidisk {recipe.DEVICE}
mount {recipe.DEVICE} {files.MOUNT_POINT}
{files.PREPARE_DISK}
install -o {files.FILES_UID} -g {files.FILES_UID} -m 0644 /dev/null {files.EXPORT}/records-nfs4.dat
cd /; umount {files.MOUNT_POINT}
"""


async def disk(nodes: list[Node]) -> None:
    """Both nodes see the shared disk; it has a file system with what Samba and NFS need."""
    await asyncio.gather(*(node.sh(LOGIN, within=300) for node in nodes))
    await asyncio.gather(
        nodes[0].sh(WARM + MAKE_FILE_SYSTEM, within=600), nodes[1].sh(WARM, within=600)
    )


async def article(nodes: list[Node], package: Path, ha_cf: str, haresources: str) -> None:
    """Install hbd on both nodes and write its files, and those of the servers."""
    packed = await asyncio.to_thread(_packed, package, ha_cf, haresources)
    await asyncio.gather(*(_configure(node, packed) for node in nodes))


def _packed(package: Path, ha_cf: str, haresources: str) -> bytes:
    """Everything that is to be laid on a node, as one tar archive: one file is sent quickly."""
    texts = (
        ("etc/ha.d/ha.cf", ha_cf, 0o644),
        ("etc/ha.d/haresources", haresources, 0o644),
        ("etc/ha.d/authkeys", files.AUTHKEYS, 0o600),
        ("etc/samba/smb.conf", files.SMB_CONF, 0o644),
        ("etc/nfs.conf.d/lab.conf", _NFS_CONF, 0o644),
        ("etc/exports", _EXPORTS, 0o644),
        ("etc/hosts", files.HOSTS, 0o644),
        ("etc/systemd/system/hbd.service.d/lab.conf", _SLOW_MACHINE, 0o644),
    )
    contents = [(path, text.encode(), mode) for path, text, mode in texts]
    contents.append(("root/hbd.deb", package.read_bytes(), 0o644))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, data, mode in contents:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


async def _configure(node: Node, packed: bytes) -> None:
    await node.write("/root/lab.tar", packed)
    await node.sh(_INSTALL, within=900)


async def served(nodes: list[Node]) -> None:
    """Start hbd on both nodes, and return when the first serves and both know it."""
    await asyncio.gather(*(node.sh("systemctl start --no-block hbd") for node in nodes))
    await asyncio.gather(*(until_status(node, _is_settled, SERVED_WITHIN) for node in nodes))


async def until_status(
    node: Node, is_so: Callable[[StatusView], bool], within: float
) -> StatusView:
    """Ask hbd at each new line of the journal, and now and then; LabError, too late.

    A machine that restarts meanwhile does not answer, and is asked again.
    """
    deadline = now() + within
    while True:
        place = node.journal.place
        view = None
        with contextlib.suppress(LabError):
            view = await status(node)
        if view is not None and is_so(view):
            return view
        if now() > deadline:
            seen = "not on the bus" if view is None else f"{view.peer_status} {view.groups}"
            raise LabError(f"{node.name}: not as wanted within {within:g} s: {seen}")
        with contextlib.suppress(LabError):
            await node.journal.wait_for("SYSLOG_IDENTIFIER=hbd", within=_ASK_AGAIN, after=place)


def _is_settled(view: StatusView) -> bool:
    owners = {group.owner for group in view.groups}
    states = {group.state for group in view.groups}
    wanted = GroupState.STARTED if view.node == files.NODE_NAMES[0] else GroupState.STOPPED
    return (
        view.peer_status == PeerStatus.ACTIVE.value
        and owners == {files.NODE_NAMES[0]}
        and states == {wanted.value}
    )
