"""What of any lab is on this machine right now: to prove that taking down leaves nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.harness import cgroups
from tests.lab.harness.ledger import RUN

MARK = "hbdlab"


def traces() -> set[str]:
    """One line for each thing a lab could leave: namespaces, mounts, loops, groups, processes."""
    found = {f"ledger {path}" for path in RUN.glob("*")}
    found |= {f"netns {path.name}" for path in Path("/run/netns").glob(f"{MARK}-*")}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found |= {f"mount {line.split()[4]}" for line in mounts if str(RUN) in line or MARK in line}
    loops = subprocess.run(["losetup", "-l", "-n", "-O", "NAME,BACK-FILE"],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    found |= {f"loop {line}" for line in loops.splitlines() if str(RUN) in line}
    found |= {
        f"cgroup {group}" for tree in cgroups.hierarchies() for group in tree.glob(f"{MARK}-*")
    }
    return found | _processes()


def _processes() -> set[str]:
    """Processes whose command line names a lab's folder or namespace, or that run in a node."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (path / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"{MARK}-" in words or f"{MARK}-" in groups or str(RUN) in words:
            found.add(f"process {path.name} {words[:100]}")
    return found
