"""The examiner: every subject has its say or its line, and the order survives the way."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from hbd.check import examine
from hbd.check.finding import CheckId, Level, Report, error, ok
from hbd.check.order import Disk, Order, read_found, read_order, write_found, write_order
from hbd.errors import AdapterError

ORDER = Order(
    number=7,
    config_directory="/etc/ha.d",
    node="ttisrv1",
    digest="0" * 24,
    disks=(Disk("LABEL=ttidisk", "/ttidisk", held=True),),
    samba=True,
    kernel_nfs=False,
    ganesha=True,
)


def test_what_hangs_is_a_line_and_the_others_are_told() -> None:
    """Goal: a hung disk costs a line. Method: one subject that waits for ever, one that is well."""
    never = threading.Event()

    def hangs() -> Report:
        never.wait()
        return Report()

    good = ok(CheckId.SAMBA_CONFIG, "well")
    asked = {
        "/dev/sdb1": (CheckId.DISK_PRESENT, hangs),
        "testparm": (CheckId.SAMBA_CONFIG, lambda: Report((good,))),
    }
    found = examine.examined(asked, limit_seconds=0.05).findings
    never.set()
    assert good in found
    [silent] = [each for each in found if each.check is CheckId.DISK_PRESENT]
    assert silent.level is Level.ERROR
    assert "/dev/sdb1" in silent.text


def test_what_fails_is_a_line_too() -> None:
    """Goal: one mistake of ours does not hide the rest. Method: a subject that raises."""

    def fails() -> Report:
        raise OSError("no")

    [found] = examine.examined({"it": (CheckId.NFS_FSID, fails)}).findings
    assert (found.check, found.level) == (CheckId.NFS_FSID, Level.ERROR)


def test_only_what_the_groups_use_is_looked_at() -> None:
    """Goal: no Samba, no line on Samba. Method: the subjects of an order."""
    assert {check for check, _ in examine.subjects(ORDER).values()} == {
        CheckId.CONFIG_LOADED,
        CheckId.CLOCK_SYNCHRONISED,
        CheckId.DISK_PRESENT,
        CheckId.SAMBA_CONFIG,
        CheckId.NFS_FSID,
    }


def test_order_and_result_survive_the_way(tmp_path: Path) -> None:
    """Goal: two processes, one meaning. Method: there and back."""
    directory = tmp_path / "check"
    write_order(ORDER, directory)
    assert read_order(directory) == ORDER
    report = Report((error(CheckId.MOUNT_POINT, "näin", "mkdir"),), {"disk:/d": "u w"})
    write_found(7, report, directory)
    assert read_found(7, directory) == report


def test_a_result_of_another_order_is_none(tmp_path: Path) -> None:
    """Goal: no old news. Method: no result, and one with another number."""
    assert read_found(7, tmp_path) is None
    write_found(6, Report(), tmp_path)
    assert read_found(7, tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"number": 7}', '{"number": 7, "findings": [1]}']
)
def test_an_order_or_result_of_another_version_is_a_clear_error(tmp_path: Path, text: str) -> None:
    """Goal: an upgrade in between is told. Method: files that say something else."""
    (tmp_path / "order").write_text(text)
    with pytest.raises(AdapterError):
        read_order(tmp_path)
    (tmp_path / "found").write_text(text)
    with contextlib.suppress(AdapterError):
        assert read_found(7, tmp_path) is None
