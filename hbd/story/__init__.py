"""What happened and why, derived from the steps of the core: pure, for people and programs."""
