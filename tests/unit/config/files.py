"""Three files in a directory, and what hbd says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hbd.config.load import Verdict, judge
from hbd.config.model import Config, Notice, Severity
from hbd.config.surroundings import Surroundings
from tests.unit.config.machine import LabMachine

HA_CF = "node hpa hpb\nbcast eth0\nserial /dev/null\nauto_failback on\ndeadtime 5\n"
AUTHKEYS = "auth 1\n1 sha1 k\n"
HARESOURCES = "hpa 192.168.0.100/24 Filesystem::/dev/sda1::/srv/x::ext4 smb\n"


@dataclass(frozen=True)
class Files:
    """A configuration that is accepted without a remark, to be spoiled by a test."""

    ha_cf: str = HA_CF
    authkeys: str | bytes = AUTHKEYS
    haresources: str | None = HARESOURCES
    mode: int = 0o600

    def with_line(self, line: str) -> Files:
        """One more line at the end of ha.cf."""
        return replace(self, ha_cf=self.ha_cf + line + "\n")

    def judge(
        self, directory: Path, machine: Surroundings | None = None, node: str | None = None
    ) -> Verdict:
        """Write the files to `directory` and judge them as heartbeat's node hpb."""
        (directory / "ha.cf").write_bytes(self.ha_cf.encode())
        keys = directory / "authkeys"
        content = self.authkeys
        keys.write_bytes(content.encode() if isinstance(content, str) else content)
        keys.chmod(self.mode)
        if self.haresources is not None:
            (directory / "haresources").write_bytes(self.haresources.encode())
        return judge(directory, node, machine or LabMachine())

    def accepted(self, directory: Path, machine: Surroundings | None = None) -> Config:
        """The configuration; fails with its mistakes when it is refused."""
        verdict = self.judge(directory, machine)
        assert verdict.config is not None, [str(mistake) for mistake in verdict.mistakes]
        return verdict.config

    def mistakes(self, directory: Path, machine: Surroundings | None = None) -> list[str]:
        """Each mistake as `name:line`."""
        found = self.judge(directory, machine).mistakes
        return [f"{Path(mistake.file).name}:{mistake.line}" for mistake in found]

    def warnings(self, directory: Path, machine: Surroundings | None = None) -> list[str]:
        """Each warning of an accepted configuration as `name:line`."""
        found = self.accepted(directory, machine).notices
        return _places(one for one in found if one.severity is Severity.WARNING)

    def notices(self, directory: Path, machine: Surroundings | None = None) -> list[str]:
        """Each notice of an accepted configuration as `name:line`."""
        found = self.accepted(directory, machine).notices
        return _places(one for one in found if one.severity is Severity.NOTICE)


def _places(notices: Iterable[Notice]) -> list[str]:
    return [f"{Path(one.file).name}:{one.line}" for one in notices]
