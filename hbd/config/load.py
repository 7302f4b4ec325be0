"""The directory of the three files to one `Config`.

All files are read and judged even when the first is bad, so that one look shows every mistake. The
verdict depends on nothing but the files, the node's name and the answers of `Surroundings`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hbd.cluster.keys import Keyring
from hbd.cluster.terms import MILLISECOND, AutoFailback, NodeName, Usec
from hbd.config import authkeys, ha_cf, haresources, sanity
from hbd.config.directives import DIRECTIVES
from hbd.config.draft import Draft
from hbd.config.findings import BadValue, Findings
from hbd.config.model import (
    Config,
    Fencing,
    GenerationMethod,
    GroupConfig,
    MessageFormat,
    Notice,
    UuidSource,
)
from hbd.config.reading import first_line, read_bytes, read_text
from hbd.config.surroundings import Surroundings, ThisMachine
from hbd.config.values import node_name
from hbd.errors import ConfigError, Mistake

DEFAULT_DIRECTORY = Path("/etc/ha.d")
HA_CF, AUTHKEYS, HARESOURCES, NODEINFO = "ha.cf", "authkeys", "haresources", "nodeinfo"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`config` is None exactly when there are mistakes."""

    config: Config | None
    mistakes: tuple[Mistake, ...]
    notices: tuple[Notice, ...]


def load(
    config_dir: Path, node: str | None = None, surroundings: Surroundings | None = None
) -> Config:
    """The configuration of `node` (None: of this machine), or ConfigError with all mistakes."""
    verdict = judge(config_dir, node, surroundings)
    if verdict.config is None:
        raise ConfigError(verdict.mistakes)
    return verdict.config


def judge(
    config_dir: Path, node: str | None = None, surroundings: Surroundings | None = None
) -> Verdict:
    """Everything there is to say about the three files."""
    here = surroundings if surroundings is not None else ThisMachine()
    ours, theirs, groups_found = (
        Findings(str(config_dir / name)) for name in (HA_CF, AUTHKEYS, HARESOURCES)
    )
    local = _local_name(config_dir, node, here, ours)
    draft = _read_ha_cf(config_dir, ours, local, here)
    keys = _read_authkeys(config_dir, theirs, here)
    groups = _read_haresources(config_dir, groups_found, draft, here)
    mistakes = ours.mistakes + theirs.mistakes + groups_found.mistakes
    notices = ours.notices + theirs.notices + groups_found.notices
    if mistakes:
        return Verdict(None, mistakes, notices)
    assert draft is not None, "an unreadable ha.cf is a mistake"
    assert keys is not None, "a keyring that cannot sign is a mistake"
    return Verdict(_config(draft, keys, groups, notices), (), notices)


def _local_name(
    config_dir: Path, node: str | None, here: Surroundings, findings: Findings
) -> NodeName:
    """`--node`, or the first line of nodeinfo, or uname -n, as heartbeat does; lower case."""
    word = node or first_line(config_dir / NODEINFO) or here.host_name()
    try:
        return node_name(word)
    except BadValue as error:
        findings.bad(0, "the name of this node", error)
        return NodeName("")


def _read_ha_cf(
    config_dir: Path, findings: Findings, local: NodeName, here: Surroundings
) -> Draft | None:
    text = read_text(config_dir / HA_CF, findings)
    return None if text is None else ha_cf.parse(text, findings, local, here)


def _read_authkeys(config_dir: Path, findings: Findings, here: Surroundings) -> Keyring | None:
    def inspect(status: os.stat_result) -> None:
        facts = authkeys.FileFacts.of(status.st_mode, status.st_uid)
        authkeys.check_file(facts, findings, here.keys_owner())

    content = read_bytes(config_dir / AUTHKEYS, findings, follow_links=False, inspect=inspect)
    return None if content is None else authkeys.parse(content, findings)


def _read_haresources(
    config_dir: Path, findings: Findings, draft: Draft | None, here: Surroundings
) -> tuple[GroupConfig, ...]:
    text = read_text(config_dir / HARESOURCES, findings)
    if text is None:
        return ()
    known = draft.nodes if draft is not None and "node" not in draft.spoiled else None
    return haresources.parse(text, findings, known or None, here)


def _config(
    draft: Draft, keys: Keyring, groups: tuple[GroupConfig, ...], notices: tuple[Notice, ...]
) -> Config:
    timing = sanity.timing(draft)
    peers = [name for name in draft.nodes if name != draft.local]
    return Config(
        nodes=tuple(draft.nodes),
        local=draft.local,
        peer=peers[0] if peers else None,
        timing=timing,
        deadping_usec=draft.times.get("deadping", timing.deadtime_usec),
        media=tuple(draft.media),
        auto_failback=draft.auto_failback or AutoFailback(DIRECTIVES["auto_failback"].default),
        hopfudge=_number(draft, "hopfudge"),
        log_badpack=draft.flags.get("log_badpack", DIRECTIVES["log_badpack"].default == "on"),
        max_rexmit_delay_usec=Usec(_number(draft, "max_rexmit_delay") * MILLISECOND),
        msgfmt=MessageFormat(_text(draft, "msgfmt")),
        hbgenmethod=GenerationMethod(_text(draft, "hbgenmethod")),
        uuidfrom=UuidSource(_text(draft, "uuidfrom")),
        fencing=Fencing(_text(draft, "fencing")),
        fence_devices=tuple(draft.fence_devices),
        watchdog=draft.texts.get("watchdog"),
        realtime=draft.flags.get("realtime", DIRECTIVES["realtime"].default == "on"),
        rtprio=draft.numbers.get("rtprio"),
        debug=_number(draft, "debug"),
        env=tuple(draft.env.items()),
        keys=keys,
        groups=groups,
        notices=notices,
    )


def _number(draft: Draft, name: str) -> int:
    return draft.numbers.get(name, int(DIRECTIVES[name].default))


def _text(draft: Draft, name: str) -> str:
    return draft.texts.get(name, DIRECTIVES[name].default)
