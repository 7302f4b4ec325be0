"""The D-Bus API of hbd, org.hbd.Heartbeat1(5): who may ask what, and what is true now."""
