"""Clients that stand still, or ask at the wrong moment, while the group moves."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import now, say
from tests.vm.harness.setup import EXPORTED_TO
from tests.vm.story import WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]


async def test_a_hung_client_does_not_hold_the_disk_back(story: Story) -> None:
    """Goal: what a server keeps for a client is no reason not to unmount.

    Method: a client with an open file over SMB, and with an open file and a lock over NFSv4, is
    stopped by SIGSTOP; then a planned move. The other clients go on.
    """
    await story.frozen_holder()
    asked = now()
    await story.home.run(["hbctl", "standby"], within=600)
    await story.served_by(story.away)
    say(f"gaps of a move with a hung client: {await story.gaps(since=asked)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))
    assert "preempting" not in story.events(story.away)
    assert MessageId.STOP_FAILED not in story.told(story.home)


# What rpc.mountd asks the kernel for each client that mounts: the root's file handle.
_LATE_REQUEST = f"""
mkdir -p /run/systemd/system/nfs-server.service.d
cat >/run/systemd/system/nfs-server.service.d/late.conf <<'END'
[Service]
ExecStopPost=/bin/sh -c 'echo "{EXPORTED_TO} {files.EXPORT} 64" >/proc/fs/nfsd/filehandle'
END
systemctl daemon-reload
"""


async def test_a_mount_request_during_the_stop_does_not_hold_the_disk_back(story: Story) -> None:
    """Goal: what the NFS server asked and nobody answers any more keeps no file system for minutes.

    Method: a client's request to mount that rpc.mountd comes to when the server has just stopped.
    It falls into that moment by itself only at times, so a last step of the stop does what
    rpc.mountd would do.
    """
    await story.home.sh(_LATE_REQUEST, within=WITHIN)
    asked = now()
    await story.home.run(["hbctl", "standby"], within=600)
    await story.served_by(story.away)
    say(f"gaps of a move with a late mount request: {await story.gaps(since=asked)}")
    said = story.home.journal.entries(story.places[story.home.name])
    evicted = [entry["MESSAGE"] for entry in said if entry.get("SYSLOG_IDENTIFIER") == "hbd-evict"]
    assert evicted == [f"the NFS server forgets its exports at {files.MOUNT_POINT}"]
    assert MessageId.STOP_FAILED not in story.told(story.home)
