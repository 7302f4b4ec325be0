"""testparm's words, and where the passwords are."""

from __future__ import annotations

import pytest

from hbd.check import samba
from hbd.check.finding import Level

GOOD = """Load smb config files from /etc/samba/smb.conf
Loaded services file OK.
Weak crypto is allowed by GnuTLS (e.g. NTLM as a compatibility fallback)

Server role: ROLE_STANDALONE
"""
NO_STATE = "ERROR: state directory /ttidisk/samba/state does not exist\n"


@pytest.mark.parametrize(
    ("said", "away", "level"),
    [
        (GOOD, [], Level.OK),
        (GOOD + "WARNING: lock directory /run/samba does not exist\n", [], Level.OK),
        (GOOD + NO_STATE, ["/ttidisk"], Level.OK),
        (GOOD + NO_STATE, [], Level.ERROR),
        (GOOD + NO_STATE, ["/ttidisk/sam"], Level.ERROR),
        (GOOD + 'Unknown parameter encountered: "rubbish"\n', ["/ttidisk"], Level.WARNING),
        ("Can't load /etc/samba/smb.conf - run testparm to debug it\n", [], Level.ERROR),
        ("", [], Level.ERROR),
    ],
)
def test_only_what_is_wrong_with_the_file_counts(said: str, away: list[str], level: Level) -> None:
    """Goal: a standby without the disk is not alarmed for it. Method: testparm's own words."""
    assert samba.judged(said, away).level is level


@pytest.mark.parametrize(
    ("directory", "level"),
    [
        ("/ttidisk/samba/private", Level.OK),
        ("/ttidisk", Level.OK),
        ("/ttidisk2/private", Level.ERROR),
        ("/var/lib/samba/private", Level.ERROR),
        ("", Level.ERROR),
    ],
)
def test_passwords_are_on_a_disk_that_moves(directory: str, level: Level) -> None:
    """Goal: one server, one identity. Method: directories on the disk and beside it."""
    assert samba.private_dir(directory, ["/ttidisk", "/other"]).level is level
