"""A reload changes everything or nothing, one at a time, and says so to systemd and the caller."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.terms import SECOND, Usec
from hbd.config.model import Config
from hbd.errors import AdapterError, ConfigError
from hbd.journal import MessageId
from hbd.runtime.definition import Definition, Definitions, differences
from hbd.runtime.reload import Reloads, Source
from hbd.systemd import resource
from tests.unit.config.files import Files

FILES = Files()


class Words:
    """What systemd is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def ready(self) -> None:
        """See Notifier."""
        self.said.append("ready")

    def reloading(self) -> None:
        """See Notifier."""
        self.said.append("reloading")

    def status(self, text: str) -> None:
        """See Notifier."""

    def alive(self) -> None:
        """See Notifier."""

    def stopping(self) -> None:
        """See Notifier."""

    def extend_timeout(self, usec: Usec) -> None:
        """See Notifier."""

    def set_watchdog(self, usec: Usec) -> None:
        """See Notifier."""


class Cluster:
    """A daemon that remembers what was put in force."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.definitions: Definitions = {}
        self.fails: AdapterError | ConfigError | None = None
        self.may_prepare = asyncio.Event()
        self.may_prepare.set()
        self.is_preparing = asyncio.Event()
        self.prepared = 0

    async def prepare(self, config: Config) -> Definitions:
        """See Running."""
        self.prepared += 1
        self.is_preparing.set()
        assert config is not self.config
        await self.may_prepare.wait()
        if self.fails is not None:
            raise self.fails
        return {}

    def commit(self, config: Config, newest: Definitions) -> None:
        """See Running."""
        self.config, self.definitions = config, newest


class Scene:
    """The files, the daemon and systemd."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cluster = Cluster(FILES.accepted(directory))
        self.systemd = Words()
        self.now = FILES
        scene = self

        class Here(Source):
            """The files are judged for a machine that has what they name."""

            def read(self) -> Config:
                """See Source."""
                verdict = scene.now.judge(scene.directory)
                if verdict.config is None:
                    raise ConfigError(verdict.mistakes)
                return verdict.config

        self.reloads = Reloads(Here(directory), self.cluster, self.systemd)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Everything is as the files say."""
    return Scene(tmp_path)


async def test_changed_files_are_put_in_force(scene: Scene) -> None:
    """Goal: the whole way. Method: another deadtime; what is in force, told, and said."""
    scene.now = FILES.with_line("deadtime 8")
    lines = await scene.reloads.reload("uid 0")
    assert scene.cluster.config.timing.deadtime_usec == 8 * SECOND
    assert len(lines) == 3
    assert scene.systemd.said == ["reloading", "ready"]
    assert await scene.reloads.reload("uid 0") == ()


async def test_a_bad_file_changes_nothing_and_every_mistake_is_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Goal: all or nothing. Method: two mistakes; the error and the journal have both."""
    before = scene.cluster.config
    scene.now = FILES.with_line("deadtime x").with_line("nonsense")
    with caplog.at_level(logging.ERROR, "hbd.reload"), pytest.raises(ConfigError) as refused:
        await scene.reloads.reload("uid 7")
    assert len(refused.value.mistakes) == 2
    ids = [record.journal["MESSAGE_ID"] for record in caplog.records]  # type: ignore[attr-defined]
    assert ids == [MessageId.CONFIG_REFUSED.value] * 3
    assert scene.cluster.config is before
    assert scene.cluster.prepared == 0
    assert scene.systemd.said == ["reloading", "ready"]


@pytest.mark.parametrize("kind", ["machine", "fixed"])
async def test_what_cannot_be_run_or_changed_now_changes_nothing(scene: Scene, kind: str) -> None:
    """Goal: everything that can fail comes first. Method: the machine says no; another node."""
    before = scene.cluster.config
    if kind == "machine":
        scene.cluster.fails = AdapterError("systemd is away")
        with pytest.raises(AdapterError):
            await scene.reloads.reload("uid 0")
    else:
        scene.now = FILES.with_line("uuidfrom nodename")
        with pytest.raises(ConfigError):
            await scene.reloads.reload("uid 0")
    assert scene.cluster.config is before


async def test_the_second_of_two_waits_and_reads_what_is_newest(scene: Scene) -> None:
    """Goal: never two at once. Method: hold up the first; change the files; let both go on."""
    scene.now = FILES.with_line("deadtime 8")
    scene.cluster.may_prepare.clear()
    first = asyncio.create_task(scene.reloads.reload("first"))
    second = asyncio.create_task(scene.reloads.reload("second"))
    async with asyncio.timeout(10):
        await scene.cluster.is_preparing.wait()
        scene.now = FILES.with_line("deadtime 9")
        scene.cluster.may_prepare.set()
        assert await first
        assert await second
    assert scene.cluster.config.timing.deadtime_usec == 9 * SECOND


async def test_many_signals_are_one_reload_and_none_raises(scene: Scene) -> None:
    """Goal: no queue grows. Method: ten while one is under way, and bad files at last."""
    scene.cluster.may_prepare.clear()
    under_way = asyncio.create_task(scene.reloads.on_signal())
    async with asyncio.timeout(10):
        await scene.cluster.is_preparing.wait()
        more = [asyncio.create_task(scene.reloads.on_signal()) for _ in range(10)]
        await asyncio.sleep(0)
        scene.cluster.may_prepare.set()
        await asyncio.gather(under_way, *more)
        assert scene.cluster.prepared == 2
        scene.now = FILES.with_line("nonsense")
        await scene.reloads.on_signal()


def test_each_group_that_differs_is_told_once(tmp_path: Path) -> None:
    """Goal: the administrator reads what will stop. Method: one of each kind."""
    lines = ("hpa 10.0.0.1/24 a b\n", "hpa 10.0.0.2/24\n", "hpa 10.0.0.3/24 c\n")
    old = defined(tmp_path, "".join(lines))
    new = defined(tmp_path, "hpa 10.0.0.1/24 a x\nhpb 10.0.0.3/24 c\nhpa 10.0.0.4/24\n")
    about = [line.split()[1] for line in differences(old, new)]
    assert sorted(about) == [f"10.0.0.{number}/24:" for number in (1, 2, 3, 4)]
    name = next(iter(old))
    assert old[name].kept_by(new[name]) == 2
    assert differences(old, old) == ()


def defined(directory: Path, haresources: str) -> Definitions:
    """The groups of a file, each word a unit of its name."""
    config = replace(FILES, haresources=haresources).accepted(directory)
    return {
        group.name: Definition(
            group,
            resource.Group(
                group.name,
                tuple(
                    resource.Resource(r.text, resource.Kind.UNIT, f"{r.text}.service")
                    for r in group.resources[1:]
                ),
            ),
        )
        for group in config.groups
    }
