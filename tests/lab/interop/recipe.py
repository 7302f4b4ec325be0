"""What is in a node that runs Debian's heartbeat."""

from __future__ import annotations

from tests.lab.harness.image import Flavour

# rsyslog, pacemaker and the like are only recommended; cluster-glue and resource-agents come along.
# Nothing starts at boot: a story says when.
HEARTBEAT = Flavour(
    "heartbeat",
    packages=("heartbeat", "cluster-glue", "resource-agents", "net-tools"),
    customize="systemctl -q disable heartbeat.service logd.service",
)
