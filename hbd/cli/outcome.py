"""How hbctl ends: its exit statuses, as in hbctl(1), and the troubles that lead there."""

from __future__ import annotations

from enum import IntEnum

from hbd.bus.names import Error
from hbd.cluster.terms import JobResult
from hbd.errors import HbdError


class Exit(IntEnum):
    """Exit statuses. 2 is also argparse's own; 130 is a shell's for the interrupt signal."""

    DONE = 0
    FAILED = 1  # it was tried and did not succeed
    USAGE = 2  # no such verb, option, scope or group
    NOT_RUNNING = 3  # as systemctl(1) has it
    NOT_PERMITTED = 4  # as systemctl(1) has it
    REFUSED = 5  # not possible now; nothing was tried
    TIMEOUT = 6  # it did not end in time
    UNKNOWN = 7  # the daemon or the bus went away while hbctl waited
    NO_BUS = 8  # there is no message bus to ask on
    OTHER_VERSION = 9  # the running daemon does not know what is asked of it
    WARNED = 10  # no error, but something is weaker than it could be, or left to do
    INTERRUPTED = 130


class Trouble(HbdError):
    """Something hbctl must tell its user, and the status to exit with."""

    def __init__(self, status: Exit, text: str) -> None:
        super().__init__(text)
        self.status = status


_RESULTS = {
    JobResult.DONE: Exit.DONE,
    JobResult.FAILED: Exit.FAILED,
    JobResult.REFUSED: Exit.REFUSED,
    JobResult.TIMEOUT: Exit.TIMEOUT,
}

_ERRORS = {
    Error.NO_SUCH_GROUP: Exit.USAGE,
    Error.NO_SUCH_SCOPE: Exit.USAGE,
    Error.INVALID_CONFIGURATION: Exit.REFUSED,
    Error.NOT_RELOADED: Exit.FAILED,
    Error.BUSY: Exit.REFUSED,
    Error.ACCESS_DENIED: Exit.NOT_PERMITTED,
    Error.INTERACTION_REQUIRED: Exit.NOT_PERMITTED,
}

# The bus's words for a name without an owner; the last two when a start was tried and failed.
_NOT_THERE = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
    "org.freedesktop.systemd1.",
)

# The bus's words for a daemon that took the call and went away with it.
_WENT_AWAY = (
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.Disconnected",
)

NOT_RUNNING = "hbd does not run on this machine; `systemctl start hbd` starts it"
WENT_AWAY = "hbd ended or was restarted meanwhile; see `hbctl status`"
NOT_REACHED = "the message bus does not let you speak to hbd; try it as root"

# What a daemon answers to a question that it does not know.
_UNHEARD_OF = (
    Error.UNKNOWN_METHOD,
    Error.UNKNOWN_OBJECT,
    Error.UNKNOWN_INTERFACE,
    Error.UNKNOWN_PROPERTY,
    Error.INVALID_ARGS,
)


def of_result(word: str) -> Exit:
    """The status for a job's result; one that this hbctl does not know is a failure."""
    try:
        return _RESULTS[JobResult(word)]
    except ValueError:
        return Exit.FAILED


def of_error(name: str, text: str) -> Trouble:
    """What a D-Bus error means to the user."""
    if name.startswith(_NOT_THERE):
        return Trouble(Exit.NOT_RUNNING, NOT_RUNNING)
    if name in _WENT_AWAY:
        return Trouble(Exit.UNKNOWN, WENT_AWAY)
    if name in {error.value for error in _UNHEARD_OF}:
        return other_version(text or name)
    status = next((status for error, status in _ERRORS.items() if error.value == name), Exit.FAILED)
    return Trouble(status, text or name)


def no_bus(why: object) -> Trouble:
    """There is nobody to ask whether hbd runs."""
    text = f"no system bus here ({why}), so hbd cannot be asked; `systemctl start dbus` starts it"
    return Trouble(Exit.NO_BUS, text)


def other_version(why: str) -> Trouble:
    """hbctl was upgraded and the daemon was not restarted, or the other way round."""
    text = f"the running hbd is of another version than hbctl ({why}); `systemctl restart hbd`"
    return Trouble(Exit.OTHER_VERSION, text)
