"""The three files of /etc/ha.d to one frozen `Config`, or all their mistakes at once."""
