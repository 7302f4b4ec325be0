"""A client that holds files open, and a lock, until it is killed; frozen, it answers nobody.

    python -m tests.vm.harness.holder SERVER

It opens a file over SMB and NFSv4, locks the latter, says `holding`, and waits for the end of its
standard input. What a server keeps for it (an open file of smbd, an open state and a lock of nfsd)
is what stands between the group and its unmount.
"""

from __future__ import annotations

import contextlib
import sys
import time

from tests.lab.harness.client.nfs import NfsSession
from tests.lab.harness.client.session import SessionLost
from tests.lab.harness.client.worker import opener

_ASK_AGAIN = 0.5  # s; who waits for `holding` has a deadline


def hold(server: str) -> None:
    """Open, lock, say so, and wait."""
    share = opener("smb", server)()
    export = _locked(server)
    print("holding", flush=True)
    sys.stdin.read()
    export.close()
    share.close()


def _locked(server: str) -> NfsSession:
    """A file with a lock. A server that has just begun refuses new ones until its grace is over."""
    while True:
        with contextlib.suppress(SessionLost):
            export = opener("nfs4", server)()
            assert isinstance(export, NfsSession), "nfs4 is NFS"
            export.lock()
            return export
        time.sleep(_ASK_AGAIN)


if __name__ == "__main__":
    hold(sys.argv[1])
