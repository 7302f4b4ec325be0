"""What can be said of the package by the tools that judge packages and services."""

from __future__ import annotations

import pytest

from tests.house.test_units import found_open, left_open
from tests.lab.demo.package import beside, built_package
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import run
from tests.lab.harness.image import SUITES

pytestmark = pytest.mark.lab

THRESHOLD = 30  # 3.0, as systemd-analyze takes it


@pytest.mark.parametrize("name", ["hbd", "hbd-desktop"])
async def test_lintian_has_nothing_to_say(name: str) -> None:
    """Goal: a package as Debian wants it. Method: lintian, its mere hints too.

    What it is not to say stands in debian/hbd.lintian-overrides, with the reason.
    """
    words = ["lintian", "--allow-root", "--display-info", "--fail-on=error,warning,info"]
    told = await run([*words, beside(built_package(), name)], check=False, within=120)
    assert (told.status, told.out) == (0, "")


@pytest.mark.parametrize("suite", SUITES)
async def test_a_booted_node_shows_the_daemon_no_more_than_is_accounted_for(suite: str) -> None:
    """Goal: an exposure of 3.0 at most, and no surprise in it. Method: systemd's own analysis."""
    async with Lab(package=built_package(), suite=suite) as lab:
        node = lab.nodes[0]
        await node.boot()
        words = ["systemd-analyze", "security", "--no-pager"]
        judged = await node.run([*words, f"--threshold={THRESHOLD}", "hbd.service"], check=False)
        assert judged.status == 0, judged.out.splitlines()[-1]
        listed = await node.run([*words, "--json=short", "hbd.service"])
        assert found_open(listed.out) == left_open()
