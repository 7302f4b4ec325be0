"""A file system whose disk must be claimed before it is mounted."""

from __future__ import annotations

from hbd.cluster.terms import Fencing, ResourceState
from hbd.errors import AdapterError
from hbd.runtime.claims import Claim
from hbd.runtime.resources import Runnable

DEMANDING = (Fencing.RESERVATION, Fencing.REQUIRED)


class ProtectedMount:
    """A mount (`inner`) and its group's claim: claim, mount; unmount, let go.

    A mount that is found while the disk is another's was made in another time: what it has in
    memory must never reach the disk, so it is undone before the disk is claimed again.
    """

    def __init__(self, inner: Runnable, claim: Claim, *, is_demanded: bool) -> None:
        """`is_demanded`: without a reservation nothing is mounted (fencing reservation)."""
        self._inner = inner
        self._claim = claim
        self._is_demanded = is_demanded

    @property
    def text(self) -> str:
        """See Runnable."""
        return self._inner.text

    @property
    def unit(self) -> str | None:
        """See Runnable."""
        return self._inner.unit

    def prepare(self) -> None:
        """See Runnable."""
        self._inner.prepare()

    async def start(self) -> None:
        """See Runnable. AdapterError also when another node has taken the disk meanwhile."""
        claim = self._claim
        await claim.resolve()
        if claim.why_not and self._is_demanded:
            raise AdapterError(f"{claim.why_not}; fencing reservation permits no mount without one")
        if not claim.why_not:
            if not claim.is_held:
                if await self._inner.look() is not ResourceState.STOPPED:
                    await self._inner.stop()
                claim.undone(self.text)
            await claim.claim()
        claim.mounted(self.text)  # before it is: a start that is abandoned may have mounted it
        await self._inner.start()

    async def stop(self) -> None:
        """See Runnable."""
        await self._inner.stop()
        await self._claim.unmounted(self.text)

    async def look(self) -> ResourceState | None:
        """See Runnable. FAILED: mounted here, but the disk refuses this node."""
        state = await self._inner.look()
        await self._claim.resolve()
        may_go_on = await self._claim.recover(
            self.text, is_mounted=state is not ResourceState.STOPPED
        )
        return state if may_go_on else ResourceState.FAILED

    async def adopt(self) -> None:
        """See Runnable."""
        await self._inner.adopt()
