"""Any bytes in any of the three files: a config or a ConfigError, never another exception.

hypothesis prints the failing example and the blob that reproduces it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbd.config.directives import DIRECTIVES
from hbd.config.load import load
from hbd.errors import ConfigError
from tests.unit.config.files import AUTHKEYS, HA_CF, HARESOURCES
from tests.unit.config.machine import LabMachine

GOOD = {"ha.cf": HA_CF.encode(), "authkeys": AUTHKEYS.encode(), "haresources": HARESOURCES.encode()}
LONGEST_MISTAKE = 600  # characters: a screen line or three, whatever the file holds

NAMES = st.sampled_from(sorted(GOOD))
PIECES = st.sampled_from(
    (
        *(b"", b" ", b"\n", b"\\\n", b"\r", b"\0", b"#", b",", b"::", b"/", b"=", b"*", b"-1"),
        *(b"9" * 5000, b"1e9", b".", b"ms", b"us", b"%", b"'", b"auth", b"hpb", b"hpa "),
        *(b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"\xf0\x90\x80\x80", b"\xed\xa0\x80"),
        *(b"Filesystem::", b"IPaddr::", b"IPv6addr::", b"10.0.0.1", b"fd00::1/64"),
    )
)
FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged(files: dict[str, bytes]) -> None:
    """Load from a fresh directory; what is refused says so shortly and printably."""
    with tempfile.TemporaryDirectory() as name:
        for file, content in files.items():
            path = Path(name) / file
            path.write_bytes(content)
            os.chmod(path, 0o600)
        try:
            load(Path(name), None, LabMachine())
        except ConfigError as error:
            refusal = error
        else:
            return
    assert all(len(str(mistake)) < LONGEST_MISTAKE for mistake in refusal.mistakes)
    assert str(refusal).isascii()


@FUZZ
@given(name=NAMES, content=st.binary(max_size=300))
def test_any_bytes(name: str, content: bytes) -> None:
    """Goal: total parsers. Method: one file is noise, the others are good."""
    judged({**GOOD, name: content})


@FUZZ
@given(name=NAMES, data=st.data())
def test_a_damaged_real_file(name: str, data: st.DataObject) -> None:
    """Goal: total parsers, deep inside. Method: pieces cut out of and put into a good file."""
    content = GOOD[name]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 20)))
        content = content[:start] + data.draw(PIECES) + content[end:]
    judged({**GOOD, name: content})


@FUZZ
@given(
    name=st.sampled_from(sorted(DIRECTIVES)),
    words=st.lists(st.one_of(st.text(max_size=12), PIECES.map(lambda p: p.decode("latin-1")))),
)
def test_any_value_of_any_directive(name: str, words: list[str]) -> None:
    """Goal: every row of the table is total. Method: a good file and one more line."""
    line = f"{name} {' '.join(words)}\n".encode("utf-8", "surrogateescape")
    judged({**GOOD, "ha.cf": GOOD["ha.cf"] + line})
