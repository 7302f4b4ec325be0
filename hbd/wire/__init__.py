"""heartbeat 3.0.6's protocol as pure code: bytes become messages, messages become bytes.

`session.Session` is the door: everything else in this package serves it. Nothing here does I/O,
reads a clock or draws a random number; time and seeds are handed in.
"""
