"""hbctl(1): the operator's command; it knows the daemon by its D-Bus API only."""
