"""What is in the machines' image, and what their kernels are told: the text the cache's key is of.

One image serves both nodes; what tells them apart stands on the kernel's command line. The storage
array is no Debian at all: the same kernel, a shell from busybox and the kernel's own target (LIO),
all of it in one initramfs that boots in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

PACKAGES = (
    # a machine: systemd, udev, the bus, polkit and a kernel without drivers for real hardware
    "systemd", "systemd-sysv", "udev", "dbus", "polkitd", "kmod", "linux-image-cloud-amd64",
    "initramfs-tools", "busybox", "qemu-guest-agent",
    # the shared disk, and the tool that shows its reservations
    "open-iscsi", "sg3-utils",
    # the servers of the article: Samba and the kernel's NFS
    "samba", "nfs-kernel-server", "nfs-common", "rpcbind",
    # what an administrator looks around with
    "iproute2", "iputils-ping", "procps", "e2fsprogs", "less",
    # what the hbd package depends on, so that installing it needs no network
    "python3", "python3-dbus-next", "python3-serial", "python3-sdnotify", "python3-pyroute2",
)  # fmt: skip

# The array's disk: LIO builds the identifier that udev calls by from the serial number.
UNIT_SERIAL = "68626400-0000-4000-8000-000000000001"
DEVICE = "/dev/disk/by-id/wwn-0x6001405" + UNIT_SERIAL.replace("-", "")[:25]
TARGET_IQN = "iqn.2001-11.lab.hbd:array"
TARGET_ADDRESS = "10.0.1.254"
PORTAL = "10.0.1.253"  # where the nodes find the array: the witness between them and it
PORTAL_MAC = "52:54:00:00:00:fd"
ISCSI_PORT = 3260

# Read once at boot: addresses and the initiator's name, from the kernel's command line.
_LAB_NODE = """\
#!/bin/sh
set -e
for word in $(cat /proc/cmdline); do
    case $word in lab.*) word=${word#lab.}; eval "${word%%=*}=\\${word#*=}" ;; esac
done
ip link set lo up
ip addr add "$lan" brd + dev eth0; ip link set eth0 up
ip addr add "$cross" brd + dev eth1; ip link set eth1 up
ip addr add "$san" brd + dev eth2; ip link set eth2 up
echo "InitiatorName=$iqn" >/etc/iscsi/initiatorname.iscsi
"""

_LAB_NODE_SERVICE = """\
[Unit]
Description=The addresses and the name that this machine was given
DefaultDependencies=no
After=local-fs.target systemd-udevd.service sys-subsystem-net-devices-eth2.device
Wants=sys-subsystem-net-devices-eth2.device
Before=network.target network-pre.target iscsid.service rpcbind.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-node
[Install]
WantedBy=sysinit.target
"""

# The journal leaves the machine as it is written: it can be read when the machine is dead.
_LAB_JOURNAL_SERVICE = """\
[Unit]
Description=The journal, told to the machine that runs the lab
After=systemd-journald.service dev-virtio\\x2dports-lab.journal.device
BindsTo=dev-virtio\\x2dports-lab.journal.device
[Service]
ExecStart=/bin/sh -c 'exec journalctl -f -b -n all -q -o json >/dev/virtio-ports/lab.journal'
Restart=always
[Install]
WantedBy=multi-user.target
"""

_LAB_PORT_RULE = 'SUBSYSTEM=="virtio-ports", ATTR{name}=="lab.journal", TAG+="systemd"\n'

# The agent tells the journal of every question; a thousand of them are a minute's work there.
_QUIET_AGENT = "[Service]\nLogLevelMax=notice\n"

# A path to the disk that is gone for 5 s is gone: what waits for it gets an error, not patience.
_ISCSI = """\
iscsid.startup = /bin/systemctl start iscsid.socket
node.startup = manual
node.leading_login = No
node.session.timeo.replacement_timeout = 5
node.conn[0].timeo.login_timeout = 10
node.conn[0].timeo.noop_out_interval = 2
node.conn[0].timeo.noop_out_timeout = 3
node.session.err_timeo.abort_timeout = 5
node.session.err_timeo.lu_reset_timeout = 10
node.session.err_timeo.tgt_reset_timeout = 10
node.session.initial_login_retry_max = 8
node.session.iscsi.InitialR2T = No
node.session.iscsi.ImmediateData = Yes
node.conn[0].iscsi.HeaderDigest = None
node.session.iscsi.FastAbort = Yes
node.session.scan = auto
"""

_JOURNALD = """\
[Journal]
Storage=persistent
SystemMaxUse=64M
RateLimitIntervalSec=0
"""

_INITRAMFS = "MODULES=list\nBUSYBOX=n\nCOMPRESS=gzip\n"

NODE_FILES = {
    "/usr/local/sbin/lab-node": (_LAB_NODE, 0o755),
    "/etc/systemd/system/lab-node.service": (_LAB_NODE_SERVICE, 0o644),
    "/etc/systemd/system/lab-journal.service": (_LAB_JOURNAL_SERVICE, 0o644),
    "/etc/systemd/system/qemu-guest-agent.service.d/lab.conf": (_QUIET_AGENT, 0o644),
    "/etc/udev/rules.d/99-lab.rules": (_LAB_PORT_RULE, 0o644),
    "/etc/iscsi/iscsid.conf": (_ISCSI, 0o600),
    "/etc/systemd/journald.conf.d/lab.conf": (_JOURNALD, 0o644),
    "/etc/initramfs-tools/conf.d/lab": (_INITRAMFS, 0o644),
    "/etc/initramfs-tools/modules": ("virtio_pci\nvirtio_blk\next4\ncrc32c_generic\n", 0o644),
    "/etc/fstab": ("", 0o644),
}  # fmt: skip

# alice may operate the cluster, bob may not, carol owns the files. Servers are the cluster's to
# start. Nothing may wake up by a timer and disturb a story.
CUSTOMIZE = """
set -eu
groupadd --system haclient
useradd --create-home --shell /bin/bash --uid 1001 --groups haclient alice
useradd --create-home --shell /bin/bash --uid 1002 bob
useradd --create-home --shell /bin/bash --uid 1003 carol
off() { for unit; do systemctl -q disable "$unit" 2>/dev/null || :; done; }
off smbd.service nmbd.service samba-ad-dc.service winbind.service nfs-server.service \
  nfs-kernel-server.service rpc-statd.service nfs-client.target nfs-blkmap.service \
  iscsi.service open-iscsi.service getty@tty1.service
systemctl -q mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer dpkg-db-backup.timer man-db.timer logrotate.timer \
  systemd-tmpfiles-clean.timer nfs-blkmap.service serial-getty@ttyS0.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-fs-fuse-connections.mount modprobe@drm.service modprobe@efi_pstore.service \
  modprobe@fuse.service modprobe@loop.service modprobe@dm_mod.service systemd-binfmt.service
systemctl -q enable lab-node.service lab-journal.service
rm -f /etc/hostname /var/lib/dbus/machine-id /var/lib/apt/lists/*Packages
: > /etc/machine-id
mkdir -p /ttidisk
update-initramfs -u -k all
"""

# --- the array ------------------------------------------------------------------------------------

TARGET_INIT = f"""\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules); do insmod "$module"; done
mount -t configfs none /sys/kernel/config
mkdir -p /var/target/pr /var/target/alua /etc/target/pr
ip link set lo up; ip addr add {TARGET_ADDRESS}/24 dev eth0; ip link set eth0 up
disk=/sys/kernel/config/target/core/iblock_0/disk
mkdir -p $disk
echo udev_path=/dev/vda >$disk/control
echo /dev/vda >$disk/udev_path
echo 1 >$disk/enable
echo {UNIT_SERIAL} >$disk/wwn/vpd_unit_serial
group=/sys/kernel/config/target/iscsi/{TARGET_IQN}/tpgt_1
mkdir -p $group/lun/lun_0 $group/np/{TARGET_ADDRESS}:{ISCSI_PORT}
ln -s $disk $group/lun/lun_0/disk
echo 0 >$group/attrib/authentication
for node in ttisrv1 ttisrv2; do
    mkdir -p $group/acls/iqn.2001-11.lab.hbd:$node/lun_0
    ln -s $group/lun/lun_0 $group/acls/iqn.2001-11.lab.hbd:$node/lun_0/disk
done
echo 1 >$group/enable
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
echo ready
while read -r line; do eval "$line"; echo "status $?"; done
"""

TARGET_MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "target_core_mod",
    "target_core_iblock", "iscsi_target_mod",
)  # fmt: skip

# Run in the image's root, where kernel, busybox, modprobe and cpio are; leaves /boot/array.img.
MAKE_ARRAY = f"""
set -eu
kernel=$(ls /lib/modules)
root=$(mktemp -d)
mkdir -p $root/bin $root/dev $root/proc $root/sys $root/m
cp /usr/bin/busybox $root/bin/ 2>/dev/null || cp /bin/busybox $root/bin/
cp /tmp/array-init $root/init; chmod 755 $root/init
for module in {" ".join(TARGET_MODULES)}; do modprobe -S $kernel --show-depends $module; done |
  awk '$1 == "insmod" && !seen[$2]++ {{ print $2 }}' | while read -r path; do
    name=$(basename $path); cp $path $root/m/
    case $name in *.xz) xz -d $root/m/$name; name=${{name%.xz}};; esac
    echo /m/$name >>$root/modules
done
for library in $(ldd $root/bin/busybox | grep -o '/[^ ]*'); do
    mkdir -p $root$(dirname $library); cp -L $library $root$library
done
(cd $root; find . | cpio --quiet -o -H newc | gzip -1) >/boot/array.img
rm -rf $root /tmp/array-init
"""

NODE_WORDS = (
    "root=/dev/vda rw console=ttyS0 net.ifnames=0 fsck.mode=skip quiet panic=0 "
    "systemd.show_status=no mitigations=off no_timer_check tsc=reliable"
)


def node_words(name: str, addresses: Sequence[str], machine_id: str) -> str:
    """The kernel's command line of a node with these addresses: on LAN, crossover and storage."""
    lan, cross, san = addresses
    return (
        f"{NODE_WORDS} systemd.hostname={name} systemd.machine_id={machine_id} "
        f"lab.lan={lan} lab.cross={cross} lab.san={san} lab.iqn={initiator(name)}"
    )


def initiator(name: str) -> str:
    """What a node is called on the storage network."""
    return f"iqn.2001-11.lab.hbd:{name}"
