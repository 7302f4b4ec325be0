"""What the unit files promise, read as systemd reads them: section, key, values."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.terms import GroupName
from hbd.errors import AdapterError
from hbd.rival import PID_FILE
from hbd.systemd import unitfile
from hbd.systemd.resource import Group, Resource
from tests.unit.systemd.groups import ARTICLE, DEADTIME_USEC, group, mount, script, service

Settings = dict[tuple[str, str], list[str]]


def settings(text: str) -> Settings:
    """A unit file as (section, key) → values, in order."""
    found: Settings = {}
    section = ""
    for line in text.split("\n"):  # as systemd does; splitlines() knows more line ends
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault((section, key), []).append(value)
    return found


def written(*groups: Group) -> dict[str, Settings]:
    """Every file of the groups, by its path."""
    files = unitfile.files(groups, DEADTIME_USEC)
    return {str(path): settings(text) for path, text in files.items()}


def test_each_resource_waits_for_the_one_on_its_left() -> None:
    """Goal: systemd alone stops right to left. Method: After= in the article's group."""
    files = written(ARTICLE)
    assert files["smbd.service.d/50-hbd.conf"]["Unit", "After"][0] == "ttidisk.mount"
    assert files["rpc-statd.service.d/50-hbd.conf"]["Unit", "After"][0] == "smbd.service"
    assert files["nfs-server.service.d/50-hbd.conf"]["Unit", "After"][0] == "rpc-statd.service"


def test_every_unit_belongs_to_the_groups_target_and_asks_who_holds() -> None:
    """Goal: nobody starts a resource here without holding its group. Method: each file's lines."""
    files = written(ARTICLE)
    services = [f"{unit}.d/50-hbd.conf" for unit in ARTICLE.units[1:]]
    for path in ["ttidisk.mount", *services]:
        assert files[path]["Unit", "PartOf"] == ["hbd-group@192.168.0.100.target"]
    held = "/run/hbd/holds/192.168.0.100"
    for path in ["ttidisk.mount", "hbd-fsck-ttidisk.service", f"{ARTICLE.target}.d/50-hbd.conf"]:
        assert files[path]["Unit", "AssertPathExists"] == [held]
    for path in services:
        assert files[path]["Unit", "AssertPathExists"] == [f"|{held}", f"|{PID_FILE}"]


def test_a_server_stops_when_its_file_system_goes() -> None:
    """Goal: no share of an empty directory. Method: BindsTo= right of a mount, none left of it."""
    files = written(group(service("early.service"), mount("/srv/my disk"), service("late.service")))
    assert files["late.service.d/50-hbd.conf"]["Unit", "BindsTo"] == ["srv-my disk.mount"]
    assert files["late.service.d/50-hbd.conf"]["Unit", "RequiresMountsFor"] == ['"/srv/my disk"']
    assert ("Unit", "BindsTo") not in files["early.service.d/50-hbd.conf"]


def test_no_distribution_limit_stands_in_the_way() -> None:
    """Goal: a hung stop costs 10 s, not 90. Method: the limits in every drop-in of a service."""
    files = written(ARTICLE)
    for unit in ARTICLE.units[1:]:
        drop_in = files[f"{unit}.d/50-hbd.conf"]
        assert drop_in["Service", "TimeoutStopSec"] == ["10s"]
        assert drop_in["Service", "TimeoutStartSec"] == ["20s"]
        assert drop_in["Unit", "StartLimitIntervalSec"] == ["0"]


def test_a_mount_is_never_ordered_before_ordinary_services() -> None:
    """Goal: at shutdown its stop does not wait for hbd. Method: the default order is off."""
    unit = written(ARTICLE)["ttidisk.mount"]
    assert unit["Unit", "DefaultDependencies"] == ["no"]
    assert unit["Unit", "Before"] == ["umount.target shutdown.target"]
    assert unit["Unit", "Conflicts"] == ["umount.target shutdown.target"]


def test_a_file_system_without_journal_is_checked_before_each_mount() -> None:
    """Goal: ext2 after a crash is repaired first. Method: ext2 has the check, ext4 has none."""
    files = written(ARTICLE)
    assert files["ttidisk.mount"]["Unit", "Requires"] == ["hbd-fsck-ttidisk.service"]
    check = files["hbd-fsck-ttidisk.service"]
    assert check["Service", "ExecStart"] == ['/sbin/fsck.ext2 "-p" "/dev/sda1"']
    assert ("Service", "RemainAfterExit") not in check
    assert ("Unit", "Requires") not in written(group(mount(fstype="ext4")))["ttidisk.mount"]


def test_a_mount_says_what_where_and_how() -> None:
    """Goal: haresources' words arrive. Method: options and type, given and not."""
    full = written(group(mount(options="noatime,discard")))["ttidisk.mount"]
    assert full["Mount", "What"] == ["/dev/sda1"]
    assert full["Mount", "Where"] == ["/ttidisk"]
    assert full["Mount", "Type"] == ["ext4"]
    assert full["Mount", "Options"] == ["noatime,discard"]
    bare = written(group(mount(fstype="auto")))["ttidisk.mount"]
    assert ("Mount", "Type") not in bare
    assert ("Mount", "Options") not in bare


def test_a_script_becomes_a_service_a_status_and_a_stop() -> None:
    """Goal: start, stop and status as heartbeat calls them. Method: a script with arguments."""
    files = written(group(script("r0", "a b$c%d")))
    unit = files["hbd-resource-drbddisk.service"]
    call = '/etc/ha.d/resource.d/drbddisk "r0" "a b$$c%%d"'
    assert unit["Service", "ExecStart"] == [f'{call} "start"']
    assert unit["Service", "ExecStop"] == [f'{call} "stop"']
    assert unit["Service", "RemainAfterExit"] == ["yes"]
    status = files["hbd-status-drbddisk.service"]
    assert status["Service", "ExecStart"] == [f'-{call} "status"']
    assert ("Unit", "AssertPathExists") not in status
    stop = files["hbd-stop-drbddisk.service"]
    assert stop["Service", "ExecStart"] == [f'{call} "stop"']
    assert ("Unit", "AssertPathExists") not in stop


def test_a_unit_of_two_groups_may_run_for_either() -> None:
    """Goal: active/active with one smbd. Method: two groups that both need it."""
    one = group(mount("/a"), service("smbd.service"), name="10.0.0.1")
    two = group(mount("/b"), service("smbd.service"), name="10.0.0.2")
    drop_in = written(one, two)["smbd.service.d/50-hbd.conf"]
    assert drop_in["Unit", "AssertPathExists"] == [
        "|/run/hbd/holds/10.0.0.1",
        "|/run/hbd/holds/10.0.0.2",
        f"|{PID_FILE}",
    ]
    assert drop_in["Unit", "PartOf"] == [one.target, two.target]
    assert drop_in["Unit", "After"] == ["a.mount", "b.mount"]
    assert ("Unit", "BindsTo") not in drop_in


def test_one_mount_point_in_two_groups_is_refused() -> None:
    """Goal: a unit has one meaning. Method: the same directory twice."""
    with pytest.raises(AdapterError):
        unitfile.files([group(mount("/a")), group(mount("/a"), name="b")], DEADTIME_USEC)


def test_the_dead_man_waits_a_part_of_deadtime() -> None:
    """Goal: groups are stopped before the peer's deadtime ends. Method: parts of 6 s."""
    files = written(ARTICLE)
    assert files["hbd-deadman.timer.d/50-hbd.conf"]["Timer", "OnActiveSec"] == ["", "2000000us"]
    service = files["hbd-deadman.service.d/50-hbd.conf"]
    assert service["Service", "Environment"] == ["HBD_PATIENCE=0.750000"]


@pytest.mark.parametrize("options", ["a\nb", "noatime ", "x\\", "\x07"])
def test_text_that_could_fake_a_line_is_refused(options: str) -> None:
    """Goal: haresources cannot write other settings. Method: control characters and ends."""
    with pytest.raises(AdapterError):
        unitfile.files([group(mount(options=options))], DEADTIME_USEC)


@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_any_words_give_whole_lines_or_an_error(name: str, argument: str) -> None:
    """Goal: no text of haresources adds or ends a line. Method: the keys are always the same."""
    expected = settings(_script_unit(GroupName("plain"), "plain")).keys()
    try:
        text = _script_unit(GroupName(name), argument)
    except AdapterError:
        return
    assert settings(text).keys() == expected


def _script_unit(name: GroupName, argument: str) -> str:
    resource = script(argument)
    files = unitfile.files([group(resource, name=name)], DEADTIME_USEC)
    return files[PurePosixPath(str(resource.unit))]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize(
    "resource", [mount("/srv/a b"), mount(fstype="ext2"), script("r0", "x y%$")]
)
def test_systemd_finds_nothing_to_complain_about(resource: Resource, tmp_path: Path) -> None:
    """Goal: our syntax is systemd's. Method: systemd-analyze verify on what is written."""
    unit = str(resource.unit)
    if resource.filesystem is not None:
        told = subprocess.run(
            ["systemd-escape", "--path", "--suffix=mount", resource.filesystem.directory],
            capture_output=True,
            check=True,
            text=True,
        )
        unit = told.stdout.strip()
    program = tmp_path / "script"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    named = Resource(
        text=resource.text,
        kind=resource.kind,
        unit=unit,
        filesystem=resource.filesystem,
        script=program if resource.script else None,
        arguments=resource.arguments,
    )
    for path, text in unitfile.files([group(named, name="10.0.0.1/24")], DEADTIME_USEC).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        check=False,
        text=True,
    )
    complaints = [
        line for line in told.stderr.splitlines() if str(tmp_path) in line or unit in line
    ]
    assert complaints == []
