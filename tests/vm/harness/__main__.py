"""The virtual machines' own commands.

up [--suite S] [--package DEB]   boot (or bring back) and stay until Ctrl-C
run NODE COMMAND…                run a command on a node of the running lab (`array`: on the array)
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.lab.demo.package import built_package
from tests.lab.harness.host import LabError, must_be_root, say
from tests.lab.harness.program import main_program
from tests.vm.harness.cluster import Lab
from tests.vm.harness.door import FACT, open_door, through_door


async def up(suite: str, package: Path | None) -> None:
    """Bring a lab up and keep it until told to end."""
    async with Lab(suite=suite, package=built_package(package), purpose="demo") as lab:
        door = await open_door(lab, lab.folder / "door")
        lab.fact(FACT, str(lab.folder / "door"))
        try:
            await lab.bring_up()
        except LabError as error:
            say(f"not up: {error}")
        else:
            say("up; `python -m tests.vm.harness run ttisrv1 hbctl status`; Ctrl-C ends it")
        try:
            await asyncio.Event().wait()
        finally:
            door.close()


async def run(node: str, command: list[str]) -> int:
    """Show what a command says, and end as it ended."""
    done = await through_door(node, command)
    sys.stdout.write(done.out)
    sys.stderr.write(done.err)
    return done.status


def main() -> int:
    """Exit status 0, the command's, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm.harness")
    verbs = parser.add_subparsers(dest="verb", required=True)
    booted = verbs.add_parser("up")
    booted.add_argument("--suite", default="bookworm")
    booted.add_argument("--package", type=Path)
    looked = verbs.add_parser("run")
    looked.add_argument("node")
    looked.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        must_be_root()
        if options.verb == "up":
            return main_program(up(options.suite, options.package))
        return asyncio.run(run(options.node, options.command))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
