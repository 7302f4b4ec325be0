"""notify.conf: where it is looked for, what it can say, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.errors import ConfigError
from hbd.notify.settings import NAME, PAGE, Settings, parse, places, read

OTHER = "https://files.example.org:9090/hbd"


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("", PAGE),
        ("# nothing\n\n", PAGE),
        (f"page {OTHER}\n", OTHER),
        (f"  page\t {OTHER}   # ours", OTHER),
        (f"page {OTHER}#/history", f"{OTHER}#/history"),
        ("page http://[fd00::1]:9090/", "http://[fd00::1]:9090/"),
    ],
)
def test_what_can_be_said(text: str, page: str) -> None:
    """Goal: ha.cf's form. Method: comments, blanks, an address of each kind."""
    assert parse("notify.conf", text) == Settings(page)


@pytest.mark.parametrize(
    "address",
    ["", "localhost:9090", "file:///etc/passwd", "javascript:alert(1)", "https://", "https://a b/",
     "https://[::1/", "-h", "https://a/\x1b"],
)  # fmt: skip
def test_only_a_web_address_is_opened(address: str) -> None:
    """Goal: a click runs nothing else. Method: what xdg-open would take, too."""
    with pytest.raises(ConfigError) as caught:
        parse("notify.conf", f"# first\npage {address}\n")
    [mistake] = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("notify.conf", 2)


def test_all_mistakes_are_told_at_once() -> None:
    """Goal: mended in one go. Method: an unknown word, a bad address, a second one."""
    text = f"pages {OTHER}\npage nowhere\npage {OTHER}\npage {OTHER}\n"
    with pytest.raises(ConfigError) as caught:
        parse("f", text)
    assert [mistake.line for mistake in caught.value.mistakes] == [1, 2, 4]


def test_the_users_file_hides_the_machines(tmp_path: Path) -> None:
    """Goal: the XDG places in their order. Method: one in each, then the user's alone gone."""
    own, shared = tmp_path / "own", tmp_path / "shared"
    environment = {"XDG_CONFIG_HOME": str(own), "XDG_CONFIG_DIRS": f"relative:{shared}"}
    assert read(environment) == Settings()
    for folder, page in ((own, OTHER), (shared, "http://shared/")):
        (folder / NAME).parent.mkdir(parents=True)
        (folder / NAME).write_text(f"page {page}\n")
    assert read(environment).page == OTHER
    (own / NAME).unlink()
    assert read(environment).page == "http://shared/"


def test_the_places_are_the_specifications() -> None:
    """Goal: where people look. Method: nothing set but HOME."""
    assert places({"HOME": "/home/alice"}) == [
        Path("/home/alice/.config/hbd/notify.conf"), Path("/etc/xdg/hbd/notify.conf"),
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    """Goal: nothing is guessed. Method: a folder in its place, and bytes that are no text."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/nowhere"}
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises(ConfigError):
        read(environment)
    (tmp_path / NAME).rmdir()
    (tmp_path / NAME).write_bytes(b"page \xff\n")
    with pytest.raises(ConfigError):
        read(environment)
