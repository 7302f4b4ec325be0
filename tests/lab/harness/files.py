"""What stands in the nodes' configuration files: the article's three, Samba's and ganesha's.

ha.cf, authkeys and haresources are the article's own text; only addresses and the device are filled
in. Samba and ganesha keep what must survive a move on the shared disk and start without delay.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARED_ADDRESS = "192.168.0.100"
NODE_NAMES = ("ttisrv1", "ttisrv2")
LAN_ADDRESSES = {"ttisrv1": "192.168.0.1/24", "ttisrv2": "192.168.0.2/24"}
CROSS_ADDRESSES = {"ttisrv1": "10.0.0.1/24", "ttisrv2": "10.0.0.2/24"}
CLIENT_ADDRESS = "192.168.0.50/24"
DEVICE = "/dev/ttidisk0"
MOUNT_POINT = "/ttidisk"
SHARE = "ttidisk"
EXPORT = "/ttidisk/export"
SMB_USER, SMB_PASSWORD, FILES_UID = "carol", "lab-only", 1003

DEADTIME = 5.0  # s, as in ha.cf below

HA_CF = """\
debugfile /var/log/ha-debug
logfile /var/log/ha-log
logfacility local0
keepalive 1
deadtime 5
serial /dev/ttyS0
baud 19200
udp eth1
node ttisrv1
node ttisrv2
"""

AUTHKEYS = """\
auth 3
3 md5 ttikey
"""

HARESOURCES = (
    f"ttisrv1 {SHARED_ADDRESS} Filesystem::{DEVICE}::{MOUNT_POINT}::ext4 smb nfslock nfs\n"
)

# `private dir` holds passwords and the server's identity: one server, so one folder, on the disk.
SMB_CONF = f"""\
[global]
    workgroup = ARTICLE
    netbios name = FILESRV
    server role = standalone server
    private dir = {MOUNT_POINT}/samba/private
    state directory = {MOUNT_POINT}/samba/state
    disable netbios = yes
    smb ports = 445
    load printers = no
    printcap name = /dev/null
    disable spoolss = yes
    strict sync = yes

[{SHARE}]
    path = {MOUNT_POINT}/share
    read only = no
    valid users = {SMB_USER}
"""


@dataclass(frozen=True, slots=True)
class NfsTimes:
    """How long ganesha keeps a silent NFSv4 client's locks, and waits for reclaims at its start."""

    lease: int = 5  # s: the kernel server would not go below 10
    grace: int = 5  # s: not below the lease, or a client may miss that the server restarted


def ganesha_conf(suite: str, times: NfsTimes) -> str:
    """ganesha without kernel support, UDP, quota or the v3 lock manager (4.3 and 6.5 alike).

    Who held locks is remembered on the shared disk, and the file system's id is fixed, so a client
    finds its files under the same handles on either node. In a container ganesha 6 may not mark
    itself as one that the kernel must spare when memory runs short, and must be told to go on.
    """
    spare_me = "" if suite == "bookworm" else "allow_set_io_flusher_fail = true;"
    return f"""\
NFS_CORE_PARAM {{
    Protocols = 3, 4;
    Enable_UDP = false;
    Enable_NLM = false;
    Enable_RQUOTA = false;
    {spare_me}
}}
NFS_KRB5 {{ Active_krb5 = false; }}
NFSv4 {{
    Lease_Lifetime = {times.lease};
    Grace_Period = {times.grace};
    RecoveryBackend = fs;
    RecoveryRoot = {MOUNT_POINT}/ganesha;
    Only_Numeric_Owners = true;
}}
EXPORT {{
    Export_Id = 1;
    Path = {EXPORT};
    Pseudo = /export;
    Filesystem_Id = 2001.1;
    Access_Type = RW;
    Squash = No_Root_Squash;
    SecType = sys;
    FSAL {{ Name = VFS; }}
}}
LOG {{ Default_Log_Level = EVENT; }}
"""


HOSTS = "127.0.0.1 localhost\n" + "".join(
    f"{LAN_ADDRESSES[name].partition('/')[0]} {name}\n" for name in NODE_NAMES
)

# Run once in a node's root with the disk mounted: what the article's administrator prepared.
PREPARE_DISK = f"""
set -eu
cd {MOUNT_POINT}
mkdir -p samba/private samba/state ganesha share {EXPORT}
chmod 0700 samba/private
chown {FILES_UID}:{FILES_UID} share {EXPORT}
printf '%s\\n%s\\n' {SMB_PASSWORD} {SMB_PASSWORD} | smbpasswd -s -a {SMB_USER} >/dev/null
"""
