"""What can make sure that the peer does not write: the disk itself, a power switch, a watchdog.

This layer carries out and observes; who may be fenced, when, and what that permits is decided in
`cluster/`. It raises AdapterError outward and nothing else, and nothing of it can block the loop.
"""
