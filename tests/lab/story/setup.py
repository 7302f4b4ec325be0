"""What the cluster of one module of stories is made of, where it is not the article's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.demo.package import beside, built_package
from tests.lab.harness import files
from tests.lab.harness.cluster import Lab
from tests.lab.harness.image import PLAIN, Flavour

# Environment: the .deb to try (else the newest of `make deb`), and the Debian of the nodes.
PACKAGE = "HBD_PACKAGE"
SUITE = "HBD_SUITE"


@dataclass(frozen=True, slots=True)
class Setup:
    """Configuration, hardware and further files; a module says its own as `SETUP`."""

    ha_cf: str = files.HA_CF
    haresources: str = files.HARESOURCES
    has_boards: bool = False
    flavour: Flavour = PLAIN
    packages: tuple[str, ...] = ()  # further ones of ours, by name
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # path -> (text, mode)


def package() -> Path:
    """The hbd package that the nodes get."""
    wanted = os.environ.get(PACKAGE)
    return built_package(Path(wanted) if wanted else None)


def new_lab(setup: Setup) -> Lab:
    """A lab as `setup` has it; not yet built."""
    return Lab(
        suite=os.environ.get(SUITE, "bookworm"),
        package=package(),
        more_packages=tuple(beside(package(), name) for name in setup.packages),
        ha_cf=setup.ha_cf,
        haresources=setup.haresources,
        has_boards=setup.has_boards,
        flavour=setup.flavour,
    )


def lay_down(lab: Lab, setup: Setup) -> None:
    """Write a setup's further files to both nodes, which are still off."""
    for node in lab.nodes:
        for path, (text, mode) in setup.files.items():
            node.write(path, text, mode=mode)
