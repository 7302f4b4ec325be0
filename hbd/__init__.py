"""hbd: a two-node high-availability file server in the manner of heartbeat, rebuilt for systemd."""

__version__ = "1.0.0"
