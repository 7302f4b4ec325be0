"""The manual: mandoc reads it without complaint, and it says what the code does and no more."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
from pathlib import Path

import pytest

from hbd.check.finding import CheckId
from hbd.cli import heartbeat, main
from hbd.cli.outcome import Exit
from hbd.cluster.terms import Scope
from hbd.config.directives import DIRECTIVES
from hbd.journal import MessageId
from hbd.notify import main as notify
from hbd.notify.settings import PAGE, Settings, parse
from hbd.replay import main as replay
from tests.house.manual import PAGES, items, pages, references
from tests.house.tree import ROOT, is_below, python_files, syntax

EXPECTED = {
    "authkeys.5",
    "cl_status.1",
    "ha.cf.5",
    "haresources.5",
    "hb_standby.1",
    "hb_takeover.1",
    "hbctl.1",
    "hbd-notify.1",
    "hbd-fencing.7",
    "hbd-migrate.7",
    "hbd-replay.1",
    "hbd-setup.7",
    "hbd.8",
    "org.hbd.Heartbeat1.5",
}
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO")
# mandoc knows only pages that are installed here: test_no_page_sends_… looks at ours instead. How
# wide the source is concerns no reader of the page.
NOT_OF_THE_PAGE = re.compile(
    r"referenced manual not found|mandoc\.db|input text line longer than 80 bytes"
)


def options(source: Path) -> set[str]:
    """The long options that a command's source adds to its parser."""
    return {
        argument.value
        for node in ast.walk(syntax(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument")
        for argument in node.args
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and argument.value.startswith("--")
    }


def assigned_name(node: ast.Assign | ast.AnnAssign) -> str:
    """The name that a simple assignment gives its value to."""
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


@pytest.mark.parametrize("page", pages(), ids=[page.name for page in pages()])
def test_mandoc_has_nothing_to_say(page: Path) -> None:
    """Goal: the page reads well everywhere. Method: mandoc's own lint, style included."""
    told = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "style", str(page)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = (told.stdout + told.stderr).splitlines()
    assert [line for line in complaints if not NOT_OF_THE_PAGE.search(line)] == []


def test_every_page_is_there() -> None:
    """Goal: each file, command and API has its page. Method: compare names."""
    assert {page.name for page in pages()} >= EXPECTED


@pytest.mark.parametrize("page", pages(), ids=[page.name for page in pages()])
def test_no_page_sends_the_reader_to_one_that_is_missing(page: Path) -> None:
    """Goal: every cross reference of ours leads somewhere. Method: look for the file."""
    ours = {
        name for name in references(page) if re.match(r"hb|ha|authkeys|cl_status|org\.hbd", name)
    }
    assert ours <= {page.name for page in pages()}


@pytest.mark.parametrize("page", pages(), ids=[page.name for page in pages()])
def test_sections_stand_in_the_usual_order(page: Path) -> None:
    """Goal: readers find things where they look. Method: the order of mdoc(7)."""
    present = re.findall(r"^\.Sh (.+)$", page.read_text(), re.MULTILINE)
    usual = [section for section in present if section in SECTIONS]
    assert usual == [section for section in SECTIONS if section in present]


def test_each_directive_of_ha_cf_is_documented_and_nothing_else() -> None:
    """Goal: the table is the manual. Method: compare names in both directions."""
    assert items(PAGES / "ha.cf.5", "Ic ") == set(DIRECTIVES)


def test_each_exit_status_of_the_daemon_is_documented_and_nothing_else() -> None:
    """Goal: a unit file can rely on the page. Method: constants named EXIT_… against its list."""
    statuses = {
        str(node.value.value)
        for path in python_files("hbd")
        if not is_below(path, "hbd/cli")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and assigned_name(node).startswith("EXIT_")
    }
    assert items(PAGES / "hbd.8", r"(?=\d)") == statuses


def test_each_exit_status_of_hbctl_is_documented_and_nothing_else() -> None:
    """Goal: scripts can rely on the page. Method: the enum against the page's list."""
    assert items(PAGES / "hbctl.1", r"(?=\d)") == {str(status.value) for status in Exit}


def test_each_check_is_documented_and_nothing_else() -> None:
    """Goal: every line of `hbctl check` is explained. Method: the enum against the page's list."""
    text = (PAGES / "hbctl.1").read_text().partition(".Ss The checks")[2].partition(".Ss ")[0]
    documented = re.findall(r"^\.It Sy (\S+)$", text, re.MULTILINE)
    assert documented == [check.value for check in CheckId]


def test_each_journal_field_is_documented_and_nothing_else() -> None:
    """Goal: `journalctl HBD_GROUP=…` can be learned. Method: what the code logs, and the page."""
    logged = {
        f"HBD_{keyword.arg.upper()}"
        for path in python_files("hbd")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fields", "journal.fields")
        for keyword in node.keywords
        if keyword.arg is not None
    }
    assert items(PAGES / "hbd.8", "Ev ") == logged | {"MESSAGE_ID", "HBD_EVENT"}


def test_each_message_is_documented_and_nothing_else() -> None:
    """Goal: `journalctl HBD_EVENT=…` can be learned. Method: the enum against the page's list."""
    events = {message.name.lower().replace("_", "-") for message in MessageId}
    assert items(PAGES / "hbd.8", "Sy ") == events


def test_each_verb_of_hbctl_is_documented_and_nothing_else() -> None:
    """Goal: `hbctl --help` and hbctl(1) agree. Method: the parser's verbs, the first list."""
    [verbs] = [
        action.choices
        for action in main._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    verbs_alone = (PAGES / "hbctl.1").read_text().partition("\n.El\n")[0]
    assert set(re.findall(r"^\.It Cm (\S+)", verbs_alone, re.MULTILINE)) == set(verbs)


@pytest.mark.parametrize("command", ["hb_standby", "hb_takeover"])
def test_each_exit_status_of_heartbeats_commands_is_documented(command: str) -> None:
    """Goal: old scripts can rely on them. Method: what the function returns, and the list."""
    source = syntax(ROOT / "hbd/cli/heartbeat.py")
    [move] = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.FunctionDef) and node.name == "_move"
    ]
    returned = {
        ast.unparse(node.value)
        for node in ast.walk(move)
        if isinstance(node, ast.Return) and node.value is not None
    }
    assert items(PAGES / f"{command}.1", r"(?=\d)") == returned


def test_each_option_of_the_daemon_is_documented_and_nothing_else() -> None:
    """Goal: `hbd --help` and hbd(8) agree. Method: the parser's options, both directions."""
    documented = {f"-{option}" for option in items(PAGES / "hbd.8", "Fl ")}
    assert documented == options(ROOT / "hbd/__main__.py")


def test_each_option_of_hbctl_is_documented_and_nothing_else() -> None:
    """Goal: `hbctl --help` and hbctl(1) agree. Method: the parser's options, both directions."""
    documented = {f"-{option}" for option in items(PAGES / "hbctl.1", "Fl ")}
    assert documented == options(ROOT / "hbd/cli/main.py")


def test_each_option_and_status_of_hbd_replay_is_documented_and_nothing_else() -> None:
    """Goal: the page and the command agree. Method: the parser and the enum against its lists."""
    page = PAGES / "hbd-replay.1"
    documented = {f"-{option}" for option in items(page, "Fl ")}
    assert documented == options(ROOT / "hbd/replay/main.py")
    assert items(page, r"(?=\d)") == {str(status.value) for status in replay.Exit}


def test_each_option_setting_and_status_of_hbd_notify_is_documented_and_nothing_else() -> None:
    """Goal: the page and the command agree. Method: the parser and the enum against its lists."""
    page = PAGES / "hbd-notify.1"
    documented = {f"-{option}" for option in items(page, "Fl ")}
    assert documented == options(ROOT / "hbd/notify/main.py")
    assert items(page, r"(?=\d)") == {str(status.value) for status in notify.Exit}
    for setting in items(page, "Ic "):
        assert parse("notify.conf", f"{setting} {PAGE}") == Settings()


def test_each_question_option_and_status_of_cl_status_is_documented_and_nothing_else() -> None:
    """Goal: monitoring can rely on the page. Method: the parser and the enum against its lists."""
    page = PAGES / "cl_status.1"
    [questions] = [
        action.choices
        for action in heartbeat._questions()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    assert items(page, "Cm ") == set(questions)
    spelled = {
        option.lstrip("-")
        for parser in questions.values()
        for action in parser._actions
        for option in action.option_strings
    }
    assert items(page, "Fl ") == spelled - {"h", "help"}
    assert items(page, r"(?=\d)") == {str(status.value) for status in heartbeat.Status}


@pytest.mark.parametrize("command", ["hb_standby", "hb_takeover"])
def test_each_scope_of_heartbeats_commands_is_documented_and_nothing_else(command: str) -> None:
    """Goal: the pages and the commands agree. Method: the enum against each page's list."""
    assert items(PAGES / f"{command}.1", "Cm ") == {scope.value for scope in Scope}
