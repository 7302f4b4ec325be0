"""Shared addresses and interfaces: what hbd does to and hears from the kernel's network.

Nothing is imported here, so that a part that needs one of the modules pays for that one only.
"""
