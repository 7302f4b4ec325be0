"""Exit statuses: scripts depend on them."""

from __future__ import annotations

import pytest

from hbd.bus.names import Error
from hbd.cli.main import main
from hbd.cli.outcome import Exit, of_error, of_result
from hbd.cluster.terms import JobResult


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (JobResult.DONE, 0),
        (JobResult.FAILED, 1),
        (JobResult.REFUSED, 5),
        (JobResult.TIMEOUT, 6),
    ],
)
def test_each_result_has_its_status(result: JobResult, status: int) -> None:
    """Goal: a script knows how it ended. Method: every result."""
    assert of_result(result.value) == status


def test_an_unknown_result_is_no_success() -> None:
    """Goal: a newer daemon cannot make an old hbctl say done. Method: a word of the future."""
    assert of_result("postponed") is Exit.FAILED


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (Error.NO_SUCH_GROUP, Exit.USAGE),
        (Error.NO_SUCH_SCOPE, Exit.USAGE),
        (Error.BUSY, Exit.REFUSED),
        (Error.ACCESS_DENIED, Exit.NOT_PERMITTED),
        (Error.INTERACTION_REQUIRED, Exit.NOT_PERMITTED),
        (Error.FAILED, Exit.FAILED),
        (Error.UNKNOWN_METHOD, Exit.OTHER_VERSION),
        (Error.UNKNOWN_INTERFACE, Exit.OTHER_VERSION),
        (Error.UNKNOWN_OBJECT, Exit.OTHER_VERSION),
        (Error.INVALID_ARGS, Exit.OTHER_VERSION),
        ("org.freedesktop.DBus.Error.ServiceUnknown", Exit.NOT_RUNNING),
        ("org.freedesktop.DBus.Error.NameHasNoOwner", Exit.NOT_RUNNING),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", Exit.NOT_RUNNING),
        ("org.freedesktop.systemd1.NoSuchUnit", Exit.NOT_RUNNING),
        ("org.freedesktop.DBus.Error.NoReply", Exit.UNKNOWN),
    ],
)
def test_each_error_has_its_status(name: str, status: Exit) -> None:
    """Goal: refused, not permitted and not running differ. Method: every error we know."""
    assert of_error(name, "why").status is status


@pytest.mark.parametrize(
    "arguments",
    [
        ["explode"],
        ["takeover", "some"],
        ["takeover", "all", "--group", "g"],
        ["status", "--xml"],
        ["maintenance"],
        ["maintenance", "maybe"],
        ["failback", "all"],
        ["confirm-peer-down", "ttisrv1", "ttisrv2"],
    ],
)
def test_a_typing_error_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Goal: nothing is asked of the daemon by mistake. Method: four mistakes."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE
    assert capsys.readouterr().out == ""
