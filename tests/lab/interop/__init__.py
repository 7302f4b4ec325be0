"""hbd and Debian's heartbeat 3.0.6 in one cluster: the real daemon is the judge.

`pair.Pair` boots two nodes, one with each daemon; `member.Member` starts, stops and asks either of
them in the same words; `wiring` writes the three files that both read; `witness` says whether
both ever held a group. The stories are in `test_*.py`: `make interop` tells them all, on every
medium with every signature, and prints the matrix.
"""
