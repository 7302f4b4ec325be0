"""What every lab story stands on: a cluster at rest before it, a judgement after it.

`story` tells and judges one, `said` reads what the journals warned of, `status` and `signals` ask
and follow hbd's D-Bus API, `setup` says what a module's cluster is made of.
"""
