"""The machines' disk image, kernel and array, made once per recipe and kept.

Cached below /var/tmp/hbd-lab/vm under a name that carries a hash of everything that goes in, so a
stale image is never used. Two labs that need it at once wait for one build.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.host import now, run, say
from tests.lab.harness.image import OWN_MOUNTS, apt_proxy, lock, mirror, remove_tree
from tests.vm.harness import recipe

CACHE = Path("/var/tmp/hbd-lab/vm")
BUILD_WITHIN = 900.0  # s: 60 with a near mirror, minutes over a slow line
KEPT = 86400.0  # s; a lab that runs with it does not run for a day
DISK_SIZE = "3G"  # sparse: what is written is about 600 MB


@dataclass(frozen=True, slots=True)
class Image:
    """Everything a machine boots from."""

    folder: Path

    @property
    def disk(self) -> Path:
        """The nodes' root file system; never written to: each node has a layer of its own."""
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def array(self) -> Path:
        """The initramfs that is all of the storage array."""
        return self.folder / "array"


async def image(suite: str) -> Image:
    """The image of `suite`, built now if there is none; LabError if it cannot be built."""
    folder = CACHE / f"{suite}-{_content_key(suite)}"
    held = await asyncio.to_thread(lock, CACHE / f"{suite}.lock")
    try:
        if folder.name not in os.listdir(CACHE):
            await _build(suite, folder)
        os.utime(folder)
    finally:
        os.close(held)
    return Image(folder)


def _content_key(suite: str) -> str:
    parts = [suite, *recipe.PACKAGES, recipe.CUSTOMIZE, recipe.TARGET_INIT, recipe.MAKE_ARRAY]
    parts += [f"{path}{mode}{text}" for path, (text, mode) in recipe.NODE_FILES.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


async def _build(suite: str, folder: Path) -> None:
    began = now()
    say(f"building the {suite} machine, once ({len(recipe.PACKAGES)} packages and what they need)")
    _remove_old(suite)
    building = folder.with_name(folder.name + ".building")
    tree, files = building / "tree", building / "files"
    await run(["mkdir", "-p", files])
    await run(_mmdebstrap(suite, tree, files, await apt_proxy(), await mirror()),
              within=BUILD_WITHIN)  # fmt: skip
    for name, pattern in (
        ("vmlinuz", "vmlinuz-*"),
        ("initrd", "initrd.img-*"),
        ("array", "array.img"),
    ):
        shutil.copy(max((tree / "boot").glob(pattern)), building / name)
    disk = building / "root.img"
    await run(["truncate", f"--size={DISK_SIZE}", disk])
    await run(["mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum_seed", "-d", tree, disk],
              within=BUILD_WITHIN)  # fmt: skip
    remove_tree(tree)
    building.rename(folder)
    say(f"the {suite} machine is ready after {now() - began:.0f} s")


def _remove_old(suite: str) -> None:
    """An image that was not used for `KEPT` goes: it is big and quickly made again."""
    for old in CACHE.glob(f"{suite}-*"):
        if old.suffix == ".building" or time.time() - old.stat().st_mtime > KEPT:
            remove_tree(old)


def _mmdebstrap(
    suite: str, tree: Path, files: Path, proxy: list[str], mirror_words: list[str]
) -> list[str]:
    """Files first (as essential hooks), so that the packages find them where they configure."""
    (files / "array-init").write_text(recipe.TARGET_INIT)
    hooks = [f"--customize-hook=copy-in {files}/array-init /tmp"]
    for index, (path, (text, mode)) in enumerate(recipe.NODE_FILES.items()):
        source = files / str(index)
        source.write_text(text)
        hooks.append(f'--customize-hook=install -D -m {mode:o} {source} "$1"{path}')
    return [
        *OWN_MOUNTS, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
        f"--include={','.join(recipe.PACKAGES)}", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*", *hooks,
        f"--customize-hook=chroot \"$1\" sh -c '{_quoted(recipe.CUSTOMIZE)}'",
        f"--customize-hook=chroot \"$1\" sh -c '{_quoted(recipe.MAKE_ARRAY)}'",
        *proxy, suite, str(tree), *mirror_words,
    ]  # fmt: skip


def _quoted(script: str) -> str:
    return script.replace("'", "'\\''")
