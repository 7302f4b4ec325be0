"""What a word of haresources means, on machines of different making."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.terms import GroupName
from hbd.errors import AdapterError
from hbd.systemd.limits import START_LIMIT_USEC
from hbd.systemd.resource import Filesystem, Kind, Resolver, Service, Spec

DEBIAN = {
    "smbd.service": "smbd.service",
    "nmbd.service": "nmbd.service",
    "nfs-server.service": "nfs-server.service",
    "rpc-statd.service": "rpc-statd.service",
    "web.service": "apache2.service",  # an alias
}
RED_HAT = {
    "smb.service": "smb.service",
    "nmb.service": "nmb.service",
    "nfs-server.service": "nfs-server.service",
    "rpc-statd.service": "rpc-statd.service",
}
GANESHA_ONLY = {"nfs-ganesha.service": "nfs-ganesha.service"}
MOUNT = Filesystem("Filesystem::/dev/sda1::/ttidisk::ext2", "/dev/sda1", "/ttidisk", "ext2", None)


def resolver(machine: dict[str, str], root: Path) -> Resolver:
    """A resolver for a machine with these units (name → canonical name) and empty directories."""

    async def loaded_name(unit: str) -> str | None:
        return machine.get(unit)

    for name in ("resource.d", "init.d"):
        (root / name).mkdir(exist_ok=True)
    return Resolver(loaded_name, root / "resource.d", root / "init.d")


def put_script(path: Path, mode: int = 0o755) -> Path:
    """An executable script at `path`."""
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def word(text: str) -> Service:
    """`a::b::c` as a Service."""
    name, *arguments = text.split("::")
    return Service(text, name, tuple(arguments))


@pytest.mark.parametrize(
    ("machine", "text", "unit"),
    [
        (DEBIAN, "smb", "smbd.service"),
        (RED_HAT, "smb", "smb.service"),
        (DEBIAN, "nmb", "nmbd.service"),
        (RED_HAT, "nmb", "nmb.service"),
        (DEBIAN, "nfs", "nfs-server.service"),
        (GANESHA_ONLY, "nfs", "nfs-ganesha.service"),
        (DEBIAN, "nfslock", "rpc-statd.service"),
        (DEBIAN, "smbd", "smbd.service"),
        (DEBIAN, "smbd.service", "smbd.service"),
        (DEBIAN, "web", "apache2.service"),
    ],
)
async def test_a_word_means_the_distributions_unit(
    machine: dict[str, str], text: str, unit: str, tmp_path: Path
) -> None:
    """Goal: the article's words work everywhere. Method: Debian, Red Hat and ganesha machines."""
    resource = await resolver(machine, tmp_path).resolve(word(text))
    assert resource.kind is Kind.UNIT
    assert resource.unit == unit


async def test_nfslock_without_a_statd_is_nothing_to_do(tmp_path: Path) -> None:
    """Goal: a server in user space needs none. Method: nfslock on a ganesha machine."""
    resource = await resolver(GANESHA_ONLY, tmp_path).resolve(word("nfslock"))
    assert resource.kind is Kind.NOTHING
    assert resource.unit is None


async def test_the_search_goes_resource_d_then_units_then_init_d(tmp_path: Path) -> None:
    """Goal: heartbeat's order with units between. Method: take away one place after the other."""
    machine = resolver(DEBIAN, tmp_path)
    own = put_script(tmp_path / "resource.d" / "web")
    put_script(tmp_path / "init.d" / "web")
    assert (await machine.resolve(word("web"))).script == own
    own.unlink()
    assert (await machine.resolve(word("web"))).unit == "apache2.service"
    bare = resolver({}, tmp_path)
    assert (await bare.resolve(word("web"))).script == tmp_path / "init.d" / "web"


async def test_arguments_are_for_scripts_only(tmp_path: Path) -> None:
    """Goal: no argument is dropped in silence. Method: the same word with and without."""
    machine = resolver(DEBIAN, tmp_path)
    with pytest.raises(AdapterError):
        await machine.resolve(word("smb::share"))
    script = put_script(tmp_path / "init.d" / "smb")
    resource = await machine.resolve(word("smb::share"))
    assert (resource.kind, resource.script) == (Kind.SCRIPT, script)
    assert resource.arguments == ("share",)


@pytest.mark.parametrize("mode", [0o644, None])
async def test_what_cannot_be_executed_is_no_script(mode: int | None, tmp_path: Path) -> None:
    """Goal: heartbeat's rule for scripts. Method: a file without x, and a directory."""
    machine = resolver({}, tmp_path)
    path = tmp_path / "resource.d" / "thing"
    if mode is None:
        path.mkdir()
    else:
        put_script(path, mode)
    with pytest.raises(AdapterError):
        await machine.resolve(word("thing"))


@pytest.mark.parametrize("text", ["../../bin/sh", "/bin/sh", "..", ".", "", "a\0b", "@@"])
async def test_no_word_leads_out_of_the_directories(text: str, tmp_path: Path) -> None:
    """Goal: haresources runs what lies in two directories. Method: paths and odd names."""
    with pytest.raises(AdapterError):
        await resolver(DEBIAN, tmp_path).resolve(word(text))


async def test_an_unknown_word_is_told_with_every_place_looked_at(tmp_path: Path) -> None:
    """Goal: an error one can act on. Method: its text has the three places."""
    with pytest.raises(AdapterError) as caught:
        await resolver(DEBIAN, tmp_path).resolve(word("wbe"))
    for place in (tmp_path / "resource.d/wbe", "wbe.service", tmp_path / "init.d/wbe"):
        assert str(place) in str(caught.value)


async def test_a_line_is_resolved_in_its_order(tmp_path: Path) -> None:
    """Goal: left to right stays so. Method: the article's line on Debian."""
    specs: list[Spec] = [MOUNT, word("smb"), word("nfslock"), word("nfs")]
    group = await resolver(DEBIAN, tmp_path).group(GroupName("192.168.0.100"), specs)
    assert group.units == (
        "ttidisk.mount",
        "smbd.service",
        "rpc-statd.service",
        "nfs-server.service",
    )
    assert group.target == "hbd-group@192.168.0.100.target"


async def test_a_check_gets_time_of_its_own(tmp_path: Path) -> None:
    """Goal: fsck is not cut off by the limit for a mount. Method: ext2 beside ext4."""
    machine = resolver(DEBIAN, tmp_path)
    assert (await machine.resolve(MOUNT)).start_limit_usec > START_LIMIT_USEC
    journaled = await machine.resolve(replace(MOUNT, fstype="ext4"))
    assert journaled.start_limit_usec == START_LIMIT_USEC
    assert not journaled.is_checked


async def test_two_uses_of_one_script_are_two_units(tmp_path: Path) -> None:
    """Goal: `drbddisk::r0` and `drbddisk::r1` do not meet. Method: their unit names."""
    machine = resolver({}, tmp_path)
    put_script(tmp_path / "resource.d" / "drbddisk")
    units = {(await machine.resolve(word(f"drbddisk::r{number}"))).unit for number in (0, 1)}
    assert len(units) == 2
