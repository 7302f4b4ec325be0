"""Where hbd's verdict differs from heartbeat 3.0.6's on the recorded configurations, and why.

Every other configuration of tests/vectors/config-cases.jsonl gets the same verdict. ha.cf(5) tells
users the same under DEVIATIONS FROM HEARTBEAT.
"""

from __future__ import annotations

_SAME_NODE = (
    "heartbeat starts, never hears the second entry, declares it dead at initdead and takes over "
    "from a peer that lives"
)
_LATER = (
    "a cluster that cannot start because one card or cable is broken is less available than one "
    "that starts with that link dead; it comes up when the device appears"
)
_KEYS = "only mode 0600 keeps the keys to root: heartbeat looks at the two read bits only"

# Accepted by heartbeat, refused by hbd.
STRICTER = {
    "dup node": _SAME_NODE,
    "authkeys 700": _KEYS,
    "authkeys 622": f"{_KEYS}; whoever may write the file chooses the keys",
    "haresources dup key": (
        "two groups of one key are one resource that both nodes start: heartbeat picks lines by "
        "searching for the key and takes both"
    ),
}

# Refused by heartbeat, accepted by hbd.
LAXER = {
    "bad iface": _LATER,
    "bcast comma list": _LATER,
    "serial missing": _LATER,
    "unknown method": "sha256 is hbd's own method, HMAC-SHA-256",
}
