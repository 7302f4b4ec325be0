"""`make bench`: what the client feels, over several runs, and what the daemon costs.

`gaps` plays the demo's moves again and again, `cost` looks at the daemon of a quiet node,
`heartbeats` counts how many heartbeats a second of CPU can hear and decide on.
"""
