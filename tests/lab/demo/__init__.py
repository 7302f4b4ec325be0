"""`make demo`: the article's cluster, started, failed and healed before one's eyes.

`story` tells it step by step, `step` runs and judges one step, `table` prints what was seen.
"""
