"""Towards Linux-HA's heartbeat 3.0.6: its negotiation of who holds what, and the core's words."""
