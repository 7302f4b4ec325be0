"""hbd-replay(1): reads journals, takes the recorded steps again, tells the incident."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from hbd import __version__
from hbd.replay import show
from hbd.replay.export import ExportError, recorded
from hbd.replay.rerun import Replay, replay
from hbd.story.codec import UnreadableError
from hbd.story.recording import Recording, read


class Exit(IntEnum):
    """The exit statuses; the manual is hbd-replay(1)."""

    SAME = 0
    DIFFERS = 1
    UNREADABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the journals of one node or both; the exit status is one of `Exit`."""
    chosen = _parser().parse_args(arguments)
    try:
        recordings = [each for name in chosen.files for each in _recordings(name)]
    except (OSError, ExportError) as error:
        _complain(str(error))
        return Exit.UNREADABLE
    if not recordings:
        _complain("no recorded steps in there; is it the journal of hbd, around an incident?")
        return Exit.UNREADABLE
    result = replay(recordings)
    if not chosen.quiet:
        for line in show.story(result.scenes):
            print(line)
    return _verdict(result)


def _recordings(name: str) -> list[Recording]:
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    found: list[Recording] = []
    for each in recorded(name, data):
        try:
            recording = read(each.text)
        except UnreadableError as strange:
            try:
                recording = read(each.text, strict=False)
            except UnreadableError as error:
                raise ExportError(f"{each.where}: {error}") from error
            _complain(f"{each.where}: {strange}; read as far as it means the same here")
        if recording.version != __version__:
            text = f"recorded by hbd {recording.version}, replayed by {__version__}"
            _complain(f"{each.where}: {text}: a difference may be a change of the program")
        found.append(recording)
    return found


def _verdict(result: Replay) -> Exit:
    for (node, life), missing in result.gaps:
        _complain(f"{node}, life {life}: {missing} steps were not recorded or not handed in")
    for why in result.broken:
        print(f"a decision failed then as it does now: {why}")
    for found in result.differences:
        print(show.difference(found))
    count = len(result.scenes)
    if result.differences:
        print(f"{count} steps replayed, {len(result.differences)} recordings differ")
        return Exit.DIFFERS
    print(f"{count} steps replayed, every decision is the recorded one")
    return Exit.SAME


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hbd-replay",
        description="Play an incident again from the journal, and check every decision. "
        "hbd-replay(1)",
    )
    parser.add_argument("--version", action="version", version=f"hbd-replay {__version__}")
    parser.add_argument("--quiet", action="store_true", help="tell only what differs")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="JOURNAL",
        help="what `journalctl -u hbd -o export` has written, of one node or both; - for stdin",
    )
    return parser


def _complain(what: str) -> None:
    print(f"hbd-replay: {what}", file=sys.stderr)
