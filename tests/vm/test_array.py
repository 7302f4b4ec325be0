"""The array and its witness, without hbd: a lab that cannot see a second writer proves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.harness.host import Finished, now
from tests.vm.harness import recipe
from tests.vm.harness.cluster import Lab
from tests.vm.harness.iscsi import GOOD, RESERVATION_CONFLICT
from tests.vm.harness.node import Node
from tests.vm.harness.storage import Deed

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

KEYS = {"ttisrv1": "0x1111", "ttisrv2": "0x2222"}
REGISTRANTS_ONLY = "5"  # SPC: write exclusive, registrants only
LAST_BLOCK = 192 * 2048 - 8  # of 512 bytes: no file system has anything there


@pytest_asyncio.fixture(loop_scope="session")
async def bare(machines: Lab) -> AsyncIterator[Lab]:
    """Booted machines that see the disk, and no hbd."""
    await machines.bring_up_bare()
    yield machines
    await machines.all_off()


async def reserve(node: Node, *words: str) -> None:
    """PERSISTENT RESERVE OUT with this node's key."""
    await node.run(["sg_persist", "--out", *words, recipe.DEVICE])


async def write(node: Node) -> Finished:
    """Try to write 4 KiB past every cache."""
    return await node.run(
        ["dd", "if=/dev/zero", f"of={recipe.DEVICE}", "bs=512", "count=8", f"seek={LAST_BLOCK}",
         "oflag=direct", "conv=notrunc,fsync"],
        check=False,
    )  # fmt: skip


def last_write(lab: Lab, since: float) -> Deed:
    """The write of the last block that the witness saw last."""
    return [deed for deed in lab.storage.deeds(since) if deed.command.lba == LAST_BLOCK][-1]


async def test_the_array_refuses_who_is_not_registered_and_the_witness_sees_it(bare: Lab) -> None:
    """Goal: a second writer cannot be, and could not hide. Method: reserve, preempt, write."""
    first, second = bare.nodes
    began = now()
    for node in bare.nodes:
        assert (await write(node)).status == 0
        assert (last_write(bare, began).node, last_write(bare, began).status) == (node.name, GOOD)

    await reserve(first, "--register", f"--param-sark={KEYS[first.name]}")
    await reserve(first, "--reserve", f"--param-rk={KEYS[first.name]}",
                  f"--prout-type={REGISTRANTS_ONLY}")  # fmt: skip
    held = await bare.storage.reservation()
    assert (held.holder, held.registered) == (first.name, (first.name,))
    assert (await write(first)).status == 0
    assert (await write(second)).status != 0
    assert last_write(bare, began).node == second.name
    assert last_write(bare, began).status == RESERVATION_CONFLICT

    await reserve(second, "--register", f"--param-sark={KEYS[second.name]}")
    await reserve(
        second, "--preempt-abort", f"--param-rk={KEYS[second.name]}",
        f"--param-sark={KEYS[first.name]}", f"--prout-type={REGISTRANTS_ONLY}",
    )  # fmt: skip
    held = await bare.storage.reservation()
    assert (held.holder, held.registered) == (second.name, (second.name,))
    assert (await write(first)).status != 0
    assert last_write(bare, began).status == RESERVATION_CONFLICT
    assert (await write(second)).status == 0
    told = [deed.command.what for deed in bare.storage.deeds(began)]
    assert [what for what in told if what in ("reserve", "preempt-abort")] == [
        "reserve",
        "preempt-abort",
    ]
