"""What of one lab is on this machine right now: to prove that taking down leaves nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.harness import cgroups
from tests.lab.harness.ledger import RUN

MARK = "hbdlab"


def traces(lab_id: str) -> set[str]:
    """One line for each thing of that lab: namespaces, mounts, loops, groups, processes."""
    mark, folder = f"{MARK}-{lab_id}", str(RUN / lab_id)
    found = {f"ledger {path}" for path in RUN.glob(f"{lab_id}*")}
    found |= {f"netns {path.name}" for path in Path("/run/netns").glob(f"{mark}-*")}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found |= {f"mount {line.split()[4]}" for line in mounts if folder in line or mark in line}
    loops = subprocess.run(["losetup", "-l", "-n", "-O", "NAME,BACK-FILE"],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    found |= {f"loop {line}" for line in loops.splitlines() if folder in line}
    found |= {
        f"cgroup {group}" for tree in cgroups.hierarchies() for group in tree.glob(f"{mark}-*")
    }
    return found | _processes(mark, folder)


def _processes(mark: str, folder: str) -> set[str]:
    """Processes whose command line names the lab's folder or namespaces, or that run in a node."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (path / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark in words or mark in groups or folder in words:
            found.add(f"process {path.name} {words[:100]}")
    return found
