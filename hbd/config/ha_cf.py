"""ha.cf(5): lines to a checked draft.

The grammar is heartbeat 3.0.6's: one directive a line, `#` starts a comment anywhere, no
continuation lines, case matters, strictly in file order. The table of `directives` says what each
line means and `sanity` what must hold for all of them together.
"""

from __future__ import annotations

import difflib

from hbd.cluster.terms import NodeName
from hbd.config import sanity
from hbd.config.directives import DIRECTIVES, Directive, Handling
from hbd.config.draft import Draft
from hbd.config.findings import BadValue, Findings, quoted
from hbd.config.surroundings import Surroundings
from hbd.config.values import words

LONGEST_LINE = 5119  # bytes; heartbeat cuts a longer line in two
_BLANKS = " \t\f\v\r"
_TELLS_SECRETS = ("stonith_host",)  # passwords stand there: of these only two words are repeated


def parse(text: str, findings: Findings, local: NodeName, surroundings: Surroundings) -> Draft:
    """The whole file; what is wrong with it is in `findings`."""
    draft = Draft(findings, surroundings, local)
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.partition("#")[0].strip(_BLANKS)
        if not line:
            continue
        if len(raw.encode()) > LONGEST_LINE:
            why = f"a line has at most {LONGEST_LINE} bytes"
            findings.mistake(number, "a long line", why, "make two lines of it")
        elif any(_is_control(character) for character in line):
            why = "there is a control character in it"
            findings.mistake(number, quoted(_open(line)), why, "write the line again as plain text")
        else:
            _directive(draft, number, line)
    sanity.check(draft)
    return draft


def _is_control(character: str) -> bool:
    return character == "\r" or not (character in _BLANKS or character.isprintable())


def _directive(draft: Draft, number: int, line: str) -> None:
    name = words(line)[0]
    rest = line[len(name) :].strip(_BLANKS)
    directive = DIRECTIVES.get(name)
    if words(line)[-1].endswith("\\"):
        why = "ha.cf has no continuation lines"
        draft.findings.mistake(number, quoted(_open(line)), why, "write one long line")
        draft.spoiled.add(name)
    elif directive is None:
        _unknown(draft, number, name)
    elif directive.handling is Handling.REFUSED:
        draft.findings.mistake(number, name, directive.instead, "delete the line")
    elif not rest:
        _without_value(draft, number, directive)
    elif directive.rule.whole_line:
        _take(draft, number, directive, rest)
    else:
        for word in words(rest, commas=True):
            _take(draft, number, directive, word)


def _unknown(draft: Draft, number: int, name: str) -> None:
    near = difflib.get_close_matches(name.lower()[:40], DIRECTIVES, n=1)
    remedy = f"did you mean {near[0]}? ha.cf(5) lists all" if near else "ha.cf(5) lists all"
    draft.findings.mistake(number, quoted(name), "there is no such directive", remedy)


def _without_value(draft: Draft, number: int, directive: Directive) -> None:
    """heartbeat skips an option without a word in silence; a whole line needs its parts."""
    if directive.rule.whole_line:
        draft.spoiled.add(directive.key)
        why = "nothing follows it"
        draft.findings.mistake(number, directive.name, why, _form(directive))
    else:
        text = f"{directive.name}: nothing follows it, the line does nothing"
        draft.findings.warning(number, text)


def _take(draft: Draft, number: int, directive: Directive, text: str) -> None:
    open_text = _open(f"{directive.name} {text}").removeprefix(f"{directive.name} ")
    what = f"{directive.name} {quoted(open_text)}"
    earlier = draft.lines.get(directive.key)
    if directive.once and earlier is not None:
        why = f"it is already said in line {earlier}"
        draft.findings.mistake(number, what, why, "delete one of them")
        return
    draft.lines[directive.key] = number
    try:
        canonical = directive.rule.take(draft, directive.key, number, text)
    except BadValue as error:
        draft.spoiled.add(directive.key)
        draft.findings.bad(number, what, error)
        return
    if sanity.is_single(directive) and earlier is not None:
        draft.findings.warning(number, f"{what}: replaces what line {earlier} says")
    if directive.instead and canonical != directive.agrees:
        said = f"{directive.name} {_shown(open_text)}: {directive.instead}"
        draft.findings.remark(number, said, directive.severity)
    sanity.check_order(draft, number, directive)


def _open(line: str) -> str:
    """A line as anybody may read it."""
    name, *said = words(line)
    if name not in _TELLS_SECRETS or len(said) <= 2:
        return line
    return " ".join((name, *said[:2], "..."))


def _form(directive: Directive) -> str:
    return f"write {directive.name} {directive.syntax}"


def _shown(text: str) -> str:
    return quoted(text)[1:-1]
