"""The house rules as tests: they read the tree and never run the daemon."""
