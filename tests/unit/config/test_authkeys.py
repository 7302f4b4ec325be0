"""authkeys: the order rule, several keys, what the file must be, and that no secret gets out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.config.authkeys import FileFacts, check_file, parse
from hbd.config.findings import Findings
from hbd.config.load import judge
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine

SECRET = "s3cr3t"


def read(content: str | bytes) -> tuple[Keyring | None, Findings]:
    """The keyring, if any, and what was found."""
    findings = Findings("authkeys")
    data = content.encode("latin-1") if isinstance(content, str) else content
    return parse(data, findings), findings


def accepted(content: str | bytes) -> Keyring:
    """The keyring of an accepted file."""
    keyring, findings = read(content)
    assert findings.mistakes == ()
    assert keyring is not None
    return keyring


@pytest.mark.parametrize("method", [AuthMethod.MD5, AuthMethod.SHA1, AuthMethod.SHA256])
def test_a_key_signs_with_its_method(method: AuthMethod) -> None:
    """Goal and method: each method that has a key."""
    assert accepted(f"auth 2\n2 {method.value} k\n").signing == Key(2, method, b"k")


def test_crc_has_no_key_and_a_warning() -> None:
    """Goal: whoever chooses crc knows. Method: the shortest file."""
    keyring, findings = read("auth 1\n1 crc\n")
    assert keyring is not None
    assert keyring.signing == Key(1, AuthMethod.CRC, b"")
    assert [notice.line for notice in findings.notices] == [2]


def test_all_keys_verify_and_one_signs() -> None:
    """Goal: rotation. Method: two keys, the second selected."""
    keyring = accepted("1 sha1 old\nauth 2\n2 sha256 new\n")
    assert [key.index for key in keyring.keys] == [1, 2]
    assert keyring.signing.secret == b"new"
    first = keyring.get(1)
    assert first is not None
    assert first.secret == b"old"
    assert keyring.get(3) is None


@pytest.mark.parametrize(
    ("content", "signing"),
    [
        ("auth 1\n1 sha1 k\n1 md5 j\n", Key(1, AuthMethod.MD5, b"j")),
        ("auth 1\n1 sha1 k\nauth 2\n2 md5 j\n", Key(2, AuthMethod.MD5, b"j")),
        ("auth 1\n1 sha1 k\nauth 2\n", Key(1, AuthMethod.SHA1, b"k")),
        ("auth 0\n0 sha1 k\n", Key(0, AuthMethod.SHA1, b"k")),
        ("auth 15\n15 sha1 k", Key(15, AuthMethod.SHA1, b"k")),
        ("# c\n  auth 1 # x\r\n\t1 \t sha1\tk # c\r\n\n", Key(1, AuthMethod.SHA1, b"k")),
        ("auth 1\n1 sha1 k#c\n", Key(1, AuthMethod.SHA1, b"k#c")),
        (b"auth 1\n1 sha1 \xff\xc3\xa4\x85\n", Key(1, AuthMethod.SHA1, b"\xff\xc3\xa4\x85")),
    ],
)
def test_the_grammar_is_heartbeats(content: str | bytes, signing: Key) -> None:
    """Goal: the key is what heartbeat would use, byte for byte. Method: odd and legal files."""
    assert accepted(content).signing == signing


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("", [0]),
        ("1 sha1 k\n", [0]),
        ("1 sha1 k\nauth 1\n", [2]),
        ("auth 2\n1 sha1 k\n", [1]),
        ("auth x\n1 sha1 k\n", [1]),
        ("authfoo 1\n1 sha1 k\n", [1]),
        ("auth 16\n16 sha1 k\n", [1]),
        ("auth 1\n1 crc abc\n", [2]),
        ("auth 1\n1 sha1\n", [2]),
        ("auth 1\n1 SHA1 k\n", [2]),
        ("auth 1\n1 sha512 k\n", [2]),
        ("auth 1\n1\n", [2, 1]),
        ("auth 1\n1 sha1 k\nfoo\n", [3]),
        ("auth 1\n1 sha1 k\n-1 sha1 k\n", [3]),
        ("auth 1\n1 sha1 k\n" + "9" * 5000 + " sha1 k\n", [3]),
    ],
)
def test_each_mistake_is_told_with_its_line(content: str, lines: list[int]) -> None:
    """Goal: every rule of authkeys(5) holds. Method: each broken once."""
    assert [mistake.line for mistake in read(content)[1].mistakes] == sorted(lines)


@pytest.mark.parametrize(
    "content",
    [
        f"auth 1\n1 {SECRET}\n",
        f"auth 1\n1 {SECRET} sha1\n",
        f"auth 1\n1 crc {SECRET}\n",
        f"auth 1\n{SECRET}\n",
        f"auth {SECRET}\n1 sha1 {SECRET}\n",
        f"a{SECRET}\n",
        f"auth 1\n1 sha1 {SECRET} {SECRET}\n1 md5 {SECRET}\n",
        f"auth 1\n1 sha1 k {SECRET}\n",
    ],
)
def test_no_message_repeats_the_secret(content: str) -> None:
    """Goal: a check can be shown to anybody. Method: the secret in every wrong place."""
    keyring, findings = read(content)
    said = [repr(keyring), *map(str, findings.mistakes), *map(str, findings.notices)]
    assert not any(SECRET in text for text in said)


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        (FileFacts(is_regular=True, owner=0, mode=0o600), 0),
        (FileFacts(is_regular=True, owner=0, mode=0o400), 1),
        (FileFacts(is_regular=True, owner=0, mode=0o644), 1),
        (FileFacts(is_regular=True, owner=0, mode=0o4600), 1),
        (FileFacts(is_regular=True, owner=1000, mode=0o600), 1),
        (FileFacts(is_regular=True, owner=1000, mode=0o666), 2),
        (FileFacts(is_regular=False, owner=0, mode=0o600), 1),
    ],
)
def test_only_roots_regular_file_of_mode_0600(facts: FileFacts, count: int) -> None:
    """Goal: nobody but root reads or writes the keys. Method: facts as fstat gives them."""
    findings = Findings("authkeys")
    check_file(facts, findings)
    assert len(findings.mistakes) == count


def test_a_link_to_the_keys_is_refused(tmp_path: Path) -> None:
    """Goal: nobody chooses the file for root. Method: a symbolic link to a good one."""
    Files().accepted(tmp_path)
    (tmp_path / "authkeys").rename(tmp_path / "elsewhere")
    (tmp_path / "authkeys").symlink_to("elsewhere")
    mistakes = judge(tmp_path, None, LabMachine()).mistakes
    assert [mistake.file for mistake in mistakes] == [str(tmp_path / "authkeys")]


def test_keys_of_another_owner_are_refused(tmp_path: Path) -> None:
    """Goal: the owner is asked of the opened file. Method: a machine whose root is another."""

    class Other(LabMachine):
        """Root is somebody else here."""

        def keys_owner(self) -> int:
            """Not whoever runs the tests."""
            return super().keys_owner() + 1

    assert Files().mistakes(tmp_path, Other()) == ["authkeys:0"]


def test_a_zero_byte_is_refused(tmp_path: Path) -> None:
    """Goal: no key is cut in secret. Method: a zero byte in a key."""
    files = replace(Files(), authkeys=b"auth 1\n1 sha1 a\0b\n")
    assert files.mistakes(tmp_path) == ["authkeys:2"]
