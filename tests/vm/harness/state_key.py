"""When a saved state may still be read: by the very QEMU that wrote it, for the same hardware."""

from __future__ import annotations

import hashlib
import inspect
import shutil
from pathlib import Path

from tests.lab.harness.host import LabError
from tests.vm.harness import machine, node, null_modem, recipe, setup, storage


def state_key() -> str:
    """A short name for everything that a saved memory depends on, and what was done before it."""
    binary = shutil.which("qemu-system-x86_64")
    if binary is None:
        raise LabError("qemu-system-x86_64 is not installed: apt-get install qemu-system-x86")
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in processors if "model name" in line), "")
    status = Path(binary).stat()
    plugged = (machine.words, node.Node.parts, storage.Storage.parts, null_modem.NullModem.ports)
    words = (
        f"{model} {status.st_size} {status.st_mtime_ns}", recipe.NODE_WORDS,
        f"{node.MEMORY} {storage.MEMORY} {storage.DISK_SIZE} {recipe.PORTAL_MAC}",
        setup.LOGIN, setup.MAKE_FILE_SYSTEM, setup.WARM,
        *(inspect.getsource(part) for part in plugged),
    )  # fmt: skip
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]
