"""org.hbd.Heartbeat1(5) and hbctl(1) tell every member, error and status, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from hbd.bus import contract
from hbd.bus.contract import Emits
from hbd.bus.names import BUS_NAME, Error, Interface, Permission
from hbd.cli.outcome import Exit
from hbd.cli.problems import Kind, Problem, Severity
from hbd.cli.view import (
    GroupView,
    JobView,
    LastView,
    LinkView,
    NodeView,
    ResourceView,
    StatusView,
)
from hbd.cluster.terms import JobResult, Scope

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAN = contract.SOURCE_TREE.parent / "man"
API = (MAN / "org.hbd.Heartbeat1.5").read_text(encoding="utf-8")
HBCTL = (MAN / "hbctl.1").read_text(encoding="utf-8")

WORDS = {Emits.CHANGED: "", Emits.SILENT: "read when needed", Emits.CONSTANT: "constant"}


def section(text: str, heading: str) -> str:
    """The source of one section or subsection, without its heading."""
    _, _, rest = text.partition(f"{heading}\n")
    assert rest, f"no {heading}"
    return re.split(r"^\.S[hs] ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def items(text: str, macro: str) -> set[str]:
    """What a list's tags name with a macro, without the macro's other words."""
    return set(re.findall(rf"^\.It {macro} (\S+)", text, re.MULTILINE))


def test_every_interface_has_its_section_and_no_other() -> None:
    """Goal: the page is the API. Method: compare the headings with the interfaces."""
    headings = set(re.findall(rf"^\.Ss ({re.escape(BUS_NAME)}\.\S+)$", API, re.MULTILINE))
    assert headings == {interface.value for interface in Interface}


def test_every_member_is_documented_with_its_signature_and_nothing_else() -> None:
    """Goal: a program can be written from the page. Method: tags against the contract."""
    for name, described in contract.load().items():
        text = section(API, f".Ss {name}")
        methods = {
            member: ("".join(re.findall(r'"(\S+) \S+"', arguments)), returned)
            for member, arguments, returned in re.findall(
                r"^\.It Fn (\S+)((?: \"[^\"]+\")*)(?: No gives Vt (\S+) \S+)?$", text, re.MULTILINE
            )
        }
        expected = {key: (each.takes, each.returns) for key, each in described.methods.items()}
        assert methods == expected, name
        assert items(text, "Sy") == set(described.signals), name
        properties = {
            member: (signature, word)
            for member, signature, word in re.findall(
                r"^\.It Va (\S+) Pq Vt (\S+)(?: , No (.+))?$", text, re.MULTILINE
            )
        }
        assert properties == {
            key: (each.signature, WORDS[each.emits]) for key, each in described.properties.items()
        }, name


def test_every_error_permission_scope_and_result_is_documented() -> None:
    """Goal: a caller knows every word. Method: tags against the enums."""
    assert items(section(API, ".Sh ERROR NAMES"), "Er") == {error.value for error in Error}
    permissions = items(section(API, ".Ss Permission"), "Sy")
    assert permissions == {permission.value for permission in Permission}
    words = {scope.value for scope in Scope} | {result.value for result in JobResult}
    assert items(section(API, ".Ss Requests and jobs"), "Sy") == words


def test_every_exit_status_of_hbctl_is_documented() -> None:
    """Goal: scripts can rely on them. Method: numbers against the code."""
    statuses = re.findall(r"^\.It (\d+)$", section(HBCTL, ".Sh EXIT STATUS"), re.MULTILINE)
    assert [int(status) for status in statuses] == sorted(Exit)


def test_every_key_of_hbctls_json_is_documented_and_nothing_else() -> None:
    """Goal: a program can be written from the page. Method: each list against its dataclass."""
    top = items(section(HBCTL, ".Ss The object of status --json"), "Sy")
    assert top == {"now_usec", "running", "problems"} | keys(StatusView)
    for heading, shown in {
        "nodes": NodeView,
        "links": LinkView,
        "groups": GroupView,
        "resources": ResourceView,
        "last_transition": LastView,
        "jobs": JobView,
        "problems": Problem,
    }.items():
        assert items(section(HBCTL, f".Ss The keys of {heading}"), "Sy") == keys(shown), heading
    text = section(HBCTL, ".Ss The keys of problems")
    words = {kind.value for kind in Kind} | {severity.value for severity in Severity}
    assert set(re.findall(r"^\.Ql (\S+)", text, re.MULTILINE)) == words


def keys(shown: type[DataclassInstance]) -> set[str]:
    """The keys of one object in the JSON."""
    return {field.name for field in fields(shown)}
