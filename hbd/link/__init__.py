"""Heartbeat media: messages out as bytes, bytes in as they came, and no policy.

Each medium is one class that satisfies `link.Link`; a link knows no peer, no key and no resource.
Whether a silent link is dead is for the core to say; whether a link *can* work is said here.
"""
