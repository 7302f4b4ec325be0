"""The root file system both nodes share as their lowest layer, made once per recipe and kept.

A recipe is a suite and a flavour: what a module of stories wants in its nodes beyond what every
lab has. Cached below /var/tmp/hbd-lab/base under a name that says what is in it: any change of a
package list or of the hooks gives a new name, so a stale image is never used. Two labs that need
the same image at once wait for one build.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from tests.lab.harness.host import LabError, now, run, say

CACHE = Path("/var/tmp/hbd-lab/base")
SUITES = ("bookworm", "trixie")
# What mmdebstrap mounts in its tree goes with its processes, however they end.
OWN_MOUNTS = ("unshare", "--mount", "--propagation=private")
BUILD_WITHIN = 900.0  # s: 25 with a near mirror, minutes over a slow line

PACKAGES = (
    # systemd as it is booted, the bus and polkit
    "systemd", "systemd-sysv", "dbus", "polkitd",
    # the servers of the article; neither suite's kernel NFS server can run in a container
    "samba", "nfs-ganesha", "nfs-ganesha-vfs", "nfs-common", "rpcbind",
    # what an administrator looks around with
    "iproute2", "iputils-ping", "procps", "e2fsprogs", "kmod", "less",
    # what the hbd package depends on, so that installing it needs no network
    "python3", "python3-dbus-next", "python3-serial", "python3-sdnotify", "python3-pyroute2",
)  # fmt: skip

# The fence agent for management boards. Debian 13 packs each agent alone; Debian 12 all of them in
# one package that wants 99 others for the clouds, so of that one the agent's own files are taken.
AGENT = {
    "bookworm": ("ipmitool", "python3-pexpect", "python3-pycurl"),
    "trixie": ("fence-agents-ipmilan",),
}
_UNPACK_AGENT = """
set -eu
cd "$1/tmp"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q download fence-agents
dpkg-deb --fsys-tarfile fence-agents_*.deb |
  tar -x -C "$1" ./usr/sbin/fence_ipmilan ./usr/share/fence/fencing.py
rm fence-agents_*.deb
"""
_UNPACK = {"bookworm": _UNPACK_AGENT, "trixie": "true"}

# alice may operate the cluster, bob may not, carol owns the files that are served. The servers are
# the cluster's to start, so nothing of them starts at boot; ganesha's own statd would fight with
# the one that `nfslock` names; and nothing may wake up by a timer and disturb a measurement.
_CUSTOMIZE = """
set -eu
groupadd --system haclient
useradd --create-home --shell /bin/bash --uid 1001 --groups haclient alice
useradd --create-home --shell /bin/bash --uid 1002 bob
useradd --create-home --shell /bin/bash --uid 1003 carol
disable() { for unit; do systemctl -q disable "$unit" 2>/dev/null || :; done; }
disable smbd.service nmbd.service samba-ad-dc.service winbind.service nfs-ganesha.service \
  nfs-ganesha-lock.service rpc-statd.service nfs-client.target nfs-blkmap.service
systemctl -q mask nfs-ganesha-lock.service apt-daily.timer apt-daily-upgrade.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer
rm -f /etc/hostname /var/lib/dbus/machine-id
: > /etc/machine-id
mkdir /ttidisk
"""


@dataclass(frozen=True, slots=True)
class Flavour:
    """What is in a node beyond the plain image. `customize` is a shell script run as root in it."""

    name: str
    packages: tuple[str, ...] = ()
    only_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # suite -> more packages
    customize: str = ""

    def packages_of(self, suite: str) -> tuple[str, ...]:
        """The further packages of this flavour in `suite`."""
        return (*self.packages, *self.only_in.get(suite, ()))


PLAIN = Flavour("plain")


async def base(suite: str, flavour: Flavour = PLAIN) -> Path:
    """The root of that recipe, built now if there is none; LabError if it cannot be built."""
    if suite not in SUITES:
        raise LabError(f"no lab for suite '{suite}': choose one of {', '.join(SUITES)}")
    kind = f"{suite}-{flavour.name}"
    root = CACHE / f"{kind}-{_content_key(suite, flavour)}"
    held = await asyncio.to_thread(lock, CACHE / f"{kind}.lock")
    try:
        if root.name not in os.listdir(CACHE):
            await _build(suite, flavour, root)
    finally:
        os.close(held)
    return root


async def _build(suite: str, flavour: Flavour, root: Path) -> None:
    began = now()
    kind = f"{suite} image ({flavour.name})"
    say(f"building the {kind}, once")
    _remove_unfinished(f"{suite}-{flavour.name}")
    building = root.with_name(root.name + ".building")
    command = await _mmdebstrap(suite, flavour, building)
    build = asyncio.create_task(run(command, within=BUILD_WITHIN))
    while not build.done():
        await asyncio.wait([build], timeout=10)
        if not build.done():
            say(f"  … still building the {kind} ({now() - began:.0f} s)")
    await build
    building.rename(root)
    say(f"the {kind} is ready after {now() - began:.0f} s")


async def _mmdebstrap(suite: str, flavour: Flavour, building: Path) -> list[str]:
    recipe = _plain(suite) if flavour == PLAIN else _layered(flavour, suite, await base(suite))
    return [
        *OWN_MOUNTS, "mmdebstrap", "--quiet", "--mode=root", *recipe,
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
        *await apt_proxy(), suite, str(building), *await mirror(),
    ]  # fmt: skip


def _plain(suite: str) -> list[str]:
    return [
        "--variant=minbase", f"--include={','.join((*PACKAGES, *AGENT[suite]))}",
        f"--customize-hook={_in_root(_CUSTOMIZE)}", f"--customize-hook={_UNPACK[suite]}",
    ]  # fmt: skip


def _layered(flavour: Flavour, suite: str, plain: Path) -> list[str]:
    """Install the further packages over a copy of the plain image: quicker than from the start."""
    install = "DEBIAN_FRONTEND=noninteractive apt-get -q --yes --no-install-recommends install"
    packages = " ".join(flavour.packages_of(suite))
    return [
        "--variant=custom", f'--setup-hook=cp -a --reflink=auto {plain}/. "$1"',
        f"--customize-hook={_in_root(f'{install} {packages}')}",
        f"--customize-hook={_in_root(flavour.customize or 'true')}",
    ]  # fmt: skip


def _in_root(script: str) -> str:
    """A hook that runs `script` in the root being built."""
    return f'chroot "$1" sh -euc {quote(script)}'


async def apt_proxy() -> list[str]:
    """What this machine's apt goes through, if anything; an http_proxy in the environment holds."""
    asked = await run(["apt-config", "dump", "--format=%v%n", "Acquire::http::Proxy"], check=False)
    proxy = asked.out.strip()
    return [f'--aptopt=Acquire::http::Proxy "{proxy}"'] if proxy else []


async def mirror() -> list[str]:
    """The mirror this machine's apt uses for Debian, unless it is the one everybody can use.

    mmdebstrap's own default takes the security archive in as well, which a plain mirror has not.
    """
    form = "$(REPO_URI) $(ORIGIN) $(LABEL)"
    asked = await run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"], check=False
    )
    found = [line.split()[0] for line in asked.out.splitlines() if line.endswith(" Debian Debian")]
    return [] if not found or "//deb.debian.org/" in found[0] else found[:1]


def _content_key(suite: str, flavour: Flavour) -> str:
    packages = (*PACKAGES, *AGENT[suite], *flavour.packages_of(suite))
    text = "\n".join((suite, *packages, _CUSTOMIZE, _UNPACK[suite], flavour.customize))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def lock(path: Path) -> int:
    """Wait for a recipe's build lock; closing the descriptor, or dying, frees it."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def _remove_unfinished(kind: str) -> None:
    """Under the lock nobody else builds, so what is half built is from a run that died."""
    for leftover in CACHE.glob(f"{kind}-*.building"):
        remove_tree(leftover)


def remove_tree(folder: Path) -> None:
    """Delete a folder of ours; LabError if anything is mounted below it.

    A build that is killed may leave this machine's own /proc, /sys and /dev/shm mounted in its
    tree, and deleting through them would delete from the machine.
    """
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    below = [line.split()[4] for line in mounts if line.split()[4].startswith(f"{folder}/")]
    if below:
        raise LabError(f"{folder} is not deleted: unmount {', '.join(sorted(below))} first")
    shutil.rmtree(folder)
