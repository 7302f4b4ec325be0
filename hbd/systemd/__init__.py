"""systemd as hbd's resource manager: jobs and their results, unit files, proof that a stop stopped.

This layer carries out and observes; whether a group may run here is decided in `cluster/`. It
raises AdapterError outward and nothing else. dbus_next and sdnotify are known here only.
"""
