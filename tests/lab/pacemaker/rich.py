"""What the article's files do not have; what devices and hosts are not there is no matter."""

from __future__ import annotations

from typing import Final

from tests.lab.harness import files
from tests.lab.harness.node import Node

FOLDER: Final = "/root/rich"
HA_CF: Final = """\
node ttisrv1 ttisrv2
deadtime 10
warntime 4
initdead 60
auto_failback {failback}
bcast eth1
ucast eth0 192.168.0.2
ucast eth0 192.168.0.1
ping 192.168.0.254
ping_group routers 192.168.0.253 192.168.0.252
stonith_host ttisrv1 external/ipmi ttisrv2 10.3.0.2 admin secret lanplus
stonith_host ttisrv2 external/ipmi ttisrv1 10.3.0.1 admin secret lanplus
stonith_host * fence_ipmilan ip=10.3.0.9 username=admin password=secret
"""
HARESOURCES: Final = """\
ttisrv1 IPaddr2::192.168.0.101/24/eth0 192.168.0.111/24/eth0 Filesystem::LABEL=a::/srv/a::ext4::noatime smb Log::a
ttisrv2 fd00::102/64/eth0 Filesystem::/dev/sdb1::/srv/b::xfs Filesystem::/dev/sdb2::/srv/b/c::xfs smb Log::b
ttisrv2 192.168.0.103/24/eth0 Log::c
"""  # noqa: E501 - a line is a group
# The last resource of each group, and its home.
HOMES: Final = {
    "unit-haresources-Log-a": "ttisrv1",
    "unit-haresources-Log-b": "ttisrv2",
    "unit-haresources-Log-c": "ttisrv2",
}


def lay_down(node: Node, failback: str) -> None:
    """Write the files, and the script that they name."""
    node.write("/etc/ha.d/resource.d/Log", "#!/bin/sh\nexit 0\n", mode=0o755)
    node.write(f"{FOLDER}/ha.cf", HA_CF.format(failback=failback))
    node.write(f"{FOLDER}/haresources", HARESOURCES)
    node.write(f"{FOLDER}/authkeys", files.AUTHKEYS, mode=0o600)
