"""haresources(5): lines to resource groups.

The grammar is that of heartbeat's scripts, which use the file (its daemon reads it a little
differently): `#` starts a comment anywhere, a backslash at the end of what is left joins the next
line without a blank, the first word is the preferred node, the second word names the group.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from hbd.cluster.terms import GroupName, NodeName
from hbd.config.findings import BadValue, Findings, quoted
from hbd.config.model import AddressResource, GroupConfig, ResourceConfig
from hbd.config.resources import claim, resource, service_of
from hbd.config.surroundings import InterfaceState, Surroundings

LONGEST_LINE = 5119  # bytes of a joined line; heartbeat's buffer
MOST_GROUPS = 64  # what fits a heartbeat beside everything else
LONGEST_KEY = 238  # bytes when escaped: systemd's 255 for a unit name, less hbd-group@ and .target

_BLANKS = " \t\f\v\r"
_WORD = re.compile(r"[^ \t\f\v\r]+")
_PLAIN = re.compile(r"[!-~]+")
_KEPT_BY_SYSTEMD = re.compile(r"[A-Za-z0-9:_./]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the line of the file it begins in."""

    text: str
    line: int


def parse(
    text: str, findings: Findings, nodes: Container[NodeName] | None, surroundings: Surroundings
) -> tuple[GroupConfig, ...]:
    """All groups in file order. `nodes` None: they are not known, so no name is judged."""
    reader = _Reader(findings, nodes, surroundings)
    for words in logical_lines(text, findings):
        reader.read(words)
    if not reader.groups and not findings.mistakes:
        findings.warning(0, "there is no resource group: the cluster serves nothing")
    if len(reader.groups) > MOST_GROUPS:
        why = f"a cluster has at most {MOST_GROUPS} groups"
        line = reader.groups[MOST_GROUPS].line
        findings.mistake(line, "one group too many", why, "join groups that move together")
    return tuple(reader.groups)


def logical_lines(text: str, findings: Findings) -> Iterator[list[Word]]:
    """The words of each line that has any, continuation lines joined."""
    joined: list[tuple[str, int]] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        piece = raw.rstrip("\r").partition("#")[0]
        if piece.endswith("\\"):
            joined.append((piece[:-1], number))
            continue
        joined.append((piece, number))
        yield from _words(joined, findings)
        joined = []
    if joined:
        yield from _words(joined, findings)


def _words(pieces: list[tuple[str, int]], findings: Findings) -> Iterator[list[Word]]:
    """One joined line. A word that runs over a join belongs to the line it begins in."""
    line = "".join(piece for piece, _ in pieces)
    if not line.strip(_BLANKS):
        return
    if len(line.encode()) > LONGEST_LINE:
        why = f"a line has at most {LONGEST_LINE} bytes, continuation lines included"
        findings.mistake(pieces[0][1], "a long line", why, "make two groups of it")
        return
    words = []
    begins, index = 0, 0
    for match in _WORD.finditer(line):
        while index + 1 < len(pieces) and match.start() >= begins + len(pieces[index][0]):
            begins += len(pieces[index][0])
            index += 1
        words.append(Word(match.group(), pieces[index][1]))
    yield words


class _Reader:
    """Collects groups and remembers what is taken: keys, addresses, devices, services."""

    def __init__(
        self,
        findings: Findings,
        nodes: Container[NodeName] | None,
        surroundings: Surroundings,
    ) -> None:
        self.groups: list[GroupConfig] = []
        self._findings = findings
        self._nodes = nodes
        self._surroundings = surroundings
        self._keys: dict[str, int] = {}  # by the group's first resource
        self._claims: dict[str, int] = {}
        self._services: dict[str, int] = {}  # by service, the line of a group that has it
        self._group_services: set[str] = set()

    def read(self, words: list[Word]) -> None:
        """One group; a mistake in any word leaves the whole group out."""
        first, *rest = words
        node = self._node(first)
        if not rest:
            why = "no resource follows the node's name"
            self._findings.mistake(first.line, quoted(first.text), why, "write NODE RESOURCE...")
            return
        self._group_services = set()
        resources = [self._resource(word) for word in rest]
        named = self._key(rest[0])
        good = tuple(one for one in resources if one is not None)
        if node is None or not named or len(good) < len(rest):
            return
        self._advise(good, rest)
        file, key = self._findings.file, GroupName(rest[0].text)
        self.groups.append(GroupConfig(key, node, good, file, rest[0].line))

    def _node(self, word: Word) -> NodeName | None:
        name = NodeName(word.text.lower())
        if self._nodes is not None and name not in self._nodes:
            why = "ha.cf has no such node"
            remedy = "begin the line with one of the names on ha.cf's node lines"
            self._findings.mistake(word.line, quoted(word.text), why, remedy)
            return None
        return name

    def _key(self, word: Word) -> bool:
        """The first resource names the group in unit names and on the wire."""
        escaped = sum(1 if _KEPT_BY_SYSTEMD.match(character) else 4 for character in word.text)
        if escaped > LONGEST_KEY:
            why = "a group is named by its first resource, and this is too long for a unit's name"
            remedy = "put a resource with a shorter text first, the address"
            self._findings.mistake(word.line, quoted(word.text), why, remedy)
            return False
        first = self._keys.setdefault(word.text.removesuffix(".service"), word.line)
        if first != word.line:
            why = f"it names the group of line {first} already: both nodes would start it"
            remedy = "begin each line with a resource of its own, the address"
            self._findings.mistake(word.line, quoted(word.text), why, remedy)
            return False
        return True

    def _resource(self, word: Word) -> ResourceConfig | None:
        try:
            _check_plain(word.text)
            one = resource(word.text)
            self._claim(word, one)
        except BadValue as error:
            self._findings.bad(word.line, quoted(word.text), error)
            return None
        return one

    def _claim(self, word: Word, one: ResourceConfig) -> None:
        taken = claim(one)
        for what in taken:
            if what in self._claims:
                why = f"{what} is already in line {self._claims[what]}"
                raise BadValue(why, "let each be in one group, once")
        self._claims.update(dict.fromkeys(taken, word.line))
        service = service_of(one)
        if service is not None:
            self._claim_service(word, service)

    def _claim_service(self, word: Word, service: str) -> None:
        if service in self._group_services:
            raise BadValue("this group has it already", "name it once")
        self._group_services.add(service)
        other = self._services.setdefault(service, word.line)
        if other != word.line:
            text = f"{quoted(word.text)} serves the group of line {other} too: "
            text += "releasing one of them restarts it for the other"
            self._findings.notice(word.line, text)

    def _advise(self, good: tuple[ResourceConfig, ...], words: list[Word]) -> None:
        for one, word in zip(good, words, strict=True):
            if isinstance(one, AddressResource) and one.interface is not None:
                state = self._surroundings.interface(one.interface)
                if state is InterfaceState.ABSENT:
                    text = f"{quoted(word.text)}: there is no interface {one.interface} now"
                    self._findings.warning(word.line, text)


def _check_plain(text: str) -> None:
    if not _PLAIN.fullmatch(text):
        raise BadValue("it is not plain ASCII", "write printable ASCII characters only")
    if text.endswith("\\"):
        remedy = "let the backslash be the very last character of the line"
        raise BadValue("a backslash joins lines only at the end of a line", remedy)
