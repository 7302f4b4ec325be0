"""One booted cluster for all stories of a module, with its group at home when a story begins."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.demo.package import built_package
from tests.lab.harness.cluster import Lab
from tests.lab.stories.cluster import Cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def booted() -> AsyncIterator[Cluster]:
    """Both nodes powered on, hbd started, the group on ttisrv1, the client at work over SMB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to boot machines")
    async with Lab(package=built_package()) as lab:
        cluster = Cluster(lab)
        await lab.client.start("smb")
        await lab.boot()
        await cluster.held_by(cluster.home)
        await cluster.served()
        yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(booted: Cluster) -> AsyncIterator[Cluster]:
    """The cluster as every story finds it, and after it: at no moment both, nothing lost."""
    await booted.go_home()
    booted.begin()
    yield booted
    assert booted.overlaps() == []
