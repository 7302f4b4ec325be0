"""The pure core: what this node believes, what happened, what to do about it."""
