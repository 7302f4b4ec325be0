"""The three files of /etc/ha.d to one frozen `Config`, or all their mistakes at once."""

from hbd.config.directory import DEFAULT_DIRECTORY, load

__all__ = ["DEFAULT_DIRECTORY", "load"]
