"""Resource scripts in the article's directories, run as units."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.errors import AdapterError
from hbd.systemd import script
from hbd.systemd.manager import Manager
from hbd.systemd.resource import Resource, Service
from tests.lab.systemd.machine import SOON, Machine

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

# Remembers its arguments and whether it runs; `stop` fails while /tmp/stuck exists.
SCRIPT = """\
#!/bin/sh
for word; do verb=$word; done
echo "$@" >>/tmp/calls
case $verb in
    start) touch /tmp/running ;;
    stop) [ ! -e /tmp/stuck ] && rm -f /tmp/running ;;
    status) if [ -e /tmp/running ]; then echo running; else echo "not running"; exit 3; fi ;;
esac
"""
SPEC = Service("thing::r0::a b%c$d", "thing", ("r0", "a b%c$d"))


@pytest.fixture
def tmp(shared: Machine) -> Path:
    """The machine's /tmp, and the script in its place."""
    place = shared.root / "etc/ha.d/resource.d/thing"
    place.write_text(SCRIPT)
    place.chmod(0o755)
    for name in ("calls", "running", "stuck"):
        (shared.root / "tmp" / name).unlink(missing_ok=True)
    return shared.root / "tmp"


async def test_a_script_is_started_asked_and_stopped_with_its_arguments(
    shared: Machine, systemd: Manager, tmp: Path
) -> None:
    """Goal: heartbeat's calls, word for word. Method: a script that writes down its arguments."""
    resource = await installed(shared, systemd)
    assert resource.unit is not None
    assert await is_running(shared, resource, systemd) is False
    await systemd.start(resource.unit, SOON)
    assert await is_running(shared, resource, systemd) is True
    await systemd.stop(resource.unit, SOON, must_succeed=True)
    assert await is_running(shared, resource, systemd) is False
    calls = (tmp / "calls").read_text().splitlines()
    verbs = ("status", "start", "status", "stop", "status")
    assert calls == [f"r0 a b%c$d {verb}" for verb in verbs]


async def test_a_script_that_does_not_stop_is_a_failure(
    shared: Machine, systemd: Manager, tmp: Path
) -> None:
    """Goal: the peer may not take over then. Method: a stop with exit status 1."""
    resource = await installed(shared, systemd)
    assert resource.unit is not None
    await systemd.start(resource.unit, SOON)
    (tmp / "stuck").touch()
    with pytest.raises(AdapterError):
        await systemd.stop(resource.unit, SOON, must_succeed=True)
    (tmp / "stuck").unlink()
    await systemd.start(resource.unit, SOON)
    await systemd.stop(resource.unit, SOON, must_succeed=True)


async def installed(shared: Machine, systemd: Manager) -> Resource:
    """The script's units in force and held, and the resource as the machine sees it."""
    group = await shared.prepare(systemd, SPEC)
    (resource,) = group.resources
    return resource


async def is_running(shared: Machine, resource: Resource, systemd: Manager) -> bool:
    """The script's own word, read where the machine's unit wrote it."""
    return await script.is_running(resource, systemd, shared.held)
