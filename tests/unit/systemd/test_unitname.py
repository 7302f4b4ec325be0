"""Names of units, compared with systemd's own tool where it is installed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.errors import AdapterError
from hbd.systemd import unitname

needs_systemd_escape = pytest.mark.skipif(
    shutil.which("systemd-escape") is None, reason="systemd-escape is not installed"
)

TEXTS = ("192.168.0.100", "10.0.0.1/24/eth0", "a-b", "fe80::1", ".hidden", "ü b", "x\\y", "Dummy1")
PATHS = ("/", "/ttidisk", "/srv/my disk/a-b", "//srv///x/", "/.snap/x", "/srv/./x", "/ä")


@needs_systemd_escape
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_escaped_as_systemd_does(text: str) -> None:
    """Goal: our target is the unit that an administrator names. Method: ask systemd-escape."""
    told = subprocess.run(
        ["systemd-escape", "--", text], capture_output=True, check=True, text=True
    )
    assert unitname.escape(text) == told.stdout.rstrip("\n")


@needs_systemd_escape
@pytest.mark.parametrize("path", PATHS)
def test_a_mount_point_gives_the_only_name_systemd_accepts(path: str) -> None:
    """Goal: systemd takes our mount unit. Method: ask systemd-escape --path."""
    told = subprocess.run(
        ["systemd-escape", "--path", "--suffix=mount", "--", path],
        capture_output=True,
        check=True,
        text=True,
    )
    assert unitname.mount_unit(path) == told.stdout.rstrip("\n")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_escaping_loses_nothing(text: str) -> None:
    """Goal: a hold file names its group. Method: any text there and back."""
    escaped = unitname.escape(text)
    assert "/" not in escaped
    assert unitname.unescape(escaped) == text


@given(st.text(max_size=20))
def test_any_file_name_is_a_group_or_an_error(name: str) -> None:
    """Goal: foreign files in /run/hbd cannot crash us. Method: any text as an escaped name."""
    with contextlib.suppress(AdapterError):
        unitname.unescape(name)


@pytest.mark.parametrize("path", ["ttidisk", "", "/srv/../etc", ".."])
def test_a_path_that_systemd_refuses_is_refused_here(path: str) -> None:
    """Goal: no unit for a relative path or one with `..`. Method: four such paths."""
    with pytest.raises(AdapterError):
        unitname.mount_unit(path)


def test_a_name_too_long_for_systemd_is_refused_here() -> None:
    """Goal: the error names our file, not systemd's. Method: 300 characters."""
    with pytest.raises(AdapterError):
        unitname.group_target("x" * 300)


def test_words_become_services_and_units_stay_as_they_are() -> None:
    """Goal: `smbd` and `smbd.service` mean the same. Method: both, and other types."""
    assert unitname.service_unit("smbd") == "smbd.service"
    assert unitname.service_unit("smbd.service") == "smbd.service"
    assert unitname.service_unit("srv.mount") == "srv.mount"
    assert unitname.service_unit("php8.2-fpm") == "php8.2-fpm.service"


def test_object_paths_are_systemds() -> None:
    """Goal: signals are matched to units. Method: paths as busctl shows them."""
    assert unitname.bus_path("ttidisk.mount") == unitname.UNIT_PATH_PREFIX + "ttidisk_2emount"
    assert unitname.bus_path("7.mount") == unitname.UNIT_PATH_PREFIX + "_37_2emount"
    assert unitname.bus_path("a@b.target") == unitname.UNIT_PATH_PREFIX + "a_40b_2etarget"


@pytest.mark.parametrize(
    ("spec", "node"),
    [
        ("/dev/sda1", "/dev/sda1"),
        ("LABEL=tti disk", "/dev/disk/by-label/tti\\x20disk"),
        ("-Lttidisk", "/dev/disk/by-label/ttidisk"),
        ("-U1234-ab", "/dev/disk/by-uuid/1234-ab"),
        ("UUID=1234", "/dev/disk/by-uuid/1234"),
        ("LABEL=a/b", "/dev/disk/by-label/a\\x2fb"),
        ("host:/export", "host:/export"),
    ],
)
def test_labels_become_the_links_that_udev_keeps(spec: str, node: str) -> None:
    """Goal: one path for a mount unit and for the proof. Method: every way to write a device."""
    assert unitname.device_node(spec) == node
