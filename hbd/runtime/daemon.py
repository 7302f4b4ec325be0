"""The daemon: builds every part once, runs the one loop, and is the only file that knows them all.

An event comes in, `step` decides, the actions go out, the recorder and the bus are told. Nothing
is decided here.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import signal
import time
from pathlib import Path
from typing import Any, Final, assert_never

from hbd.bus.endpoint import Endpoint, NameTaken
from hbd.bus.facts import LinkReadings
from hbd.bus.polkit import PolkitAuthority
from hbd.cluster.action import (
    Action,
    Announce,
    Fence,
    FinishJob,
    ForgetGroup,
    ForgetPeerSequence,
    KeepMaintenance,
    ObserveGroup,
    ProveAlive,
    Quit,
    Reboot,
    ReviseGroup,
    SayGoodbye,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.event import (
    ClockTicked,
    Event,
    FenceFailed,
    LeaveRequested,
    LifeRenewed,
    ResourceChanged,
)
from hbd.cluster.node import Node
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import (
    SECOND,
    JobId,
    PeerStatus,
    Phase,
    ResourceState,
    Usec,
)
from hbd.config.model import (
    Config,
    GenerationMethod,
    UuidSource,
)
from hbd.errors import AdapterError, ConfigError
from hbd.journal import MessageId, fields
from hbd.net.address import SharedAddress
from hbd.net.carrier import LinkPresence
from hbd.r1.translator import Heard, Heeded, Translator
from hbd.runtime import build, identity
from hbd.runtime.checkup import Checkup, Situation
from hbd.runtime.chronicle import Chronicle
from hbd.runtime.clock import Alarm, now
from hbd.runtime.definition import Definitions
from hbd.runtime.fencer import Fencer
from hbd.runtime.groups import Groups
from hbd.runtime.guard import Guard
from hbd.runtime.inbox import Inbox, Item
from hbd.runtime.media import Media
from hbd.runtime.network import Network
from hbd.runtime.reload import Reloads, Source
from hbd.runtime.summary import summary
from hbd.systemd import unitfile
from hbd.systemd.connection import PRIVATE, SYSTEM_BUS
from hbd.systemd.limits import watchdog_usec
from hbd.systemd.manager import Manager
from hbd.systemd.notify import Notifier

EXIT_OK: Final = 0
EXIT_CRASH: Final = 1
EXIT_REPLACE: Final = 75  # SIGUSR1: start the new program, keep everything that runs
EXIT_CONFIG: Final = 78

STATE_DIRECTORY: Final = Path("/var/lib/hbd")
DEADMAN_LIMIT_USEC: Final = Usec(20 * SECOND)  # milliseconds, but for a machine that starves
LEAVE_EXTENSION_USEC: Final = Usec(60 * SECOND)
BUS_RETRY_SECONDS: Final = 2.0
RENEW_SECONDS: Final = 1.0  # without a heartbeat; the shortest deadtime that is wise is 2 s

_log = logging.getLogger("hbd.daemon")


class Daemon:
    """One life of hbd."""

    def __init__(
        self,
        config: Config,
        source: Source,
        notifier: Notifier,
        *,
        state_directory: Path = STATE_DIRECTORY,
    ) -> None:
        """Begin a new life: the generation grows now. AdapterError if it cannot be kept.

        `source` is where `config` was read, and will be read anew.
        """
        self._config = config
        self._notifier = notifier
        self._generation = identity.next_generation(
            state_directory,
            int(time.time()),
            from_clock=config.hbgenmethod is GenerationMethod.TIME,
            heartbeat=identity.HEARTBEAT,
        )
        self._inbox = Inbox(self._handle)
        self._alarm = Alarm(lambda: self._inbox.post(ClockTicked()))
        self._chronicle = Chronicle(_log, state_directory, self._refresh_bus)
        # systemd's own socket first: a failover needs no message bus, and no user of the bus can
        # send anything to the connection that failovers depend on.
        self._manager = Manager(endpoints=(PRIVATE, SYSTEM_BUS))
        by_name = config.uuidfrom is UuidSource.NODENAME
        uuid = identity.node_uuid(
            state_directory, config.local, from_name=by_name, heartbeat=identity.HEARTBEAT
        )
        maintenance = identity.is_in_maintenance(state_directory)
        self._node = build.node_of(config, self._generation, now(), maintenance=maintenance)
        self._translator = Translator(self._node)
        self._media = Media(
            config.media,
            build.session_of(config, self._generation, uuid),
            build.speech_of(config),
            self._translator,
            self._inbox.post,
            self._refresh_bus,
            config.timing.keepalive_usec,
            tell_rejects=config.log_badpack,
        )
        self._state_directory = state_directory
        self._keeping = asyncio.Lock()  # one write at a time
        self._groups: Groups | None = None
        self._fencer: Fencer | None = None
        self._guard = Guard(config.watchdog)
        self._reloads = Reloads(source, self, notifier)
        self._endpoint: Endpoint | None = None
        self._network: Network | None = None
        self._checkup: Checkup | None = None
        self._jobs = itertools.count(1)
        self._status = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[int] | None = None

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> int:
        """Live until told to leave; answers the exit status."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        loop.set_exception_handler(self._crashed)
        loop.add_signal_handler(signal.SIGTERM, self._leave)
        loop.add_signal_handler(signal.SIGINT, self._leave)
        loop.add_signal_handler(signal.SIGUSR1, self._end, EXIT_REPLACE)
        loop.add_signal_handler(signal.SIGHUP, self._reload_for_signal)
        self._guard.arm(self._config.timing.deadtime_usec)
        self._media.open()
        self._inbox.post(ClockTicked())  # the first heartbeat: we are here, we know nothing yet
        self._spawn(self._set_up(), "set-up")
        try:
            return await self._ended
        finally:
            await self._close()

    async def _set_up(self) -> None:
        """Meet systemd, the kernel and the bus; then observe, and be ready."""
        try:
            await self._manager.connect()
            self._network = Network(self._address_lost)
            await self._network.carrier.watch(self._interface_changed)
            self._groups = Groups(self._config, self._manager, self._network, self._inbox.post)
            await self._groups.set_up(self._config)
            self._fencer = Fencer(
                self._config,
                self._groups,
                self._network.addresses,
                self._manager,
                self._inbox.post,
            )
            self._checkup = Checkup(self._situation, self._media, self._manager)
            await self._join_bus(self._groups)
            await self._manager.stop(unitfile.DEADMAN_TIMER, DEADMAN_LIMIT_USEC)
        except ConfigError as error:
            for mistake in error.mistakes:
                _log.error("%s", mistake, extra=fields(MessageId.CONFIG_REFUSED))
            self._end(EXIT_CONFIG)
            return
        except AdapterError as error:
            _log.error("Failed to start: %s", error, extra=fields(node=self._node.name))
            self._end(EXIT_CRASH)
            return
        gc.freeze()  # what lives as long as the daemon is not looked through again and again
        # Not before: systemd counts from this message on, and the dead man was there until now.
        self._notifier.set_watchdog(watchdog_usec(self._config.timing.deadtime_usec))
        self._notifier.ready()
        self._tell_status()
        if self._node.maintenance:
            _log.warning(
                "%s is still in maintenance: it moves nothing until `hbctl maintenance off`",
                self._node.name,
                extra=fields(MessageId.MAINTENANCE_BEGUN, node=self._node.name),
            )

    async def _close(self) -> None:
        """Give everything back, in the order in which it could still be needed."""
        self._alarm.cancel()
        for task in self._tasks:
            task.cancel()
        if self._checkup is not None:
            await self._checkup.desk.close()
        if self._groups is not None:
            await self._groups.close()
        if self._endpoint is not None:
            await self._endpoint.close()
        await self._media.close()
        if self._network is not None:
            self._network.close()
        await self._manager.close()
        await self._chronicle.close()

    def _leave(self) -> None:
        self._notifier.stopping()
        self._notifier.extend_timeout(LEAVE_EXTENSION_USEC)
        self._inbox.post(LeaveRequested())

    def _end(self, status: int) -> None:
        self._inbox.close()  # what comes now is for the next life, after a crash above all
        if status != EXIT_CRASH:
            self._guard.disarm()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(status)

    def _crashed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours: stop at once. Groups keep running, systemd starts us anew."""
        _log.critical(
            "Stopping on an internal error: %s",
            context["message"],
            exc_info=context.get("exception"),
        )
        self._end(EXIT_CRASH)

    def _spawn(self, work: Any, name: str) -> None:  # noqa: ANN401 - any coroutine
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            message = f"task {task.get_name()} failed"
            self._crashed(task.get_loop(), {"message": message, "exception": error})

    # --- the loop -------------------------------------------------------------------------------

    def _handle(self, item: Item) -> None:
        """One event: decide, do, tell."""
        event = self._translator.hear(item, now()) if isinstance(item, Heard) else item
        if event is None:
            return
        before = self._node
        decided = self._chronicle.decide(before, event, now())
        self._node = decided.node
        heeded = self._translator.heed(decided.node, now())
        for action in decided.actions:
            self._act(action)
        self._negotiate(heeded)
        if self._fencer is not None:
            self._fencer.review(decided.node)
        if self._endpoint is not None:
            self._endpoint.update(before, decided.node)
        if self._network is not None and _healed(before, decided.node):
            self._network.announcer.renew()  # both may have claimed one address meanwhile
        due = self._translator.next_due()
        deadline = next_deadline(decided.node)
        self._alarm.set(deadline if due is None else min(due, deadline))
        if decided.node.phase is Phase.LEAVING and _is_progress(event):
            self._notifier.extend_timeout(LEAVE_EXTENSION_USEC)
        self._tell_status()

    def _negotiate(self, heeded: Heeded) -> None:
        """Say to a heartbeat peer what follows from the newest belief."""
        for words in heeded.messages:
            self._media.send(words)
        for event in heeded.events:
            self._inbox.post(event)
        if heeded.renews:
            self._spawn(self._renew(), "renew")

    async def _renew(self) -> None:
        """Begin a new life on the wire, on the disk first; without a disk the old one goes on."""
        try:
            async with asyncio.timeout(RENEW_SECONDS):
                generation = await asyncio.to_thread(
                    identity.next_generation,
                    self._state_directory,
                    int(time.time()),
                    heartbeat=identity.HEARTBEAT,
                )
        except (AdapterError, TimeoutError) as error:
            why = str(error) or "the disk does not answer"
            _log.error("%s; the peer may restart itself", why, extra=fields(node=self._node.name))
        else:
            self._media.renew(generation)
            self._inbox.post(LifeRenewed(generation))
        self._translator.renewed()

    def _act(self, action: Action) -> None:
        match action:
            case SendHeartbeat() | Announce() | SayGoodbye():
                self._media.say(action)
            case ForgetPeerSequence():
                self._media.forget_peer()
            case ObserveGroup() | StartGroup() | StopGroup() | ReviseGroup() | ForgetGroup():
                self._move(action)
            case Fence():
                if self._fencer is None:
                    self._inbox.post(FenceFailed(action.target, "this node is still starting"))
                else:
                    self._spawn(self._fencer.fence(action), "fence")
            case Reboot():
                assert self._fencer is not None, "what cannot stop was looked at"
                self._spawn(self._fencer.reboot(action.group, action.why), "reboot")
            case FinishJob():
                if self._endpoint is not None:
                    self._endpoint.finish_job(action.job, action.result, action.why)
            case KeepMaintenance():
                self._spawn(self._keep_maintenance(), "maintenance")
            case ProveAlive():
                self._notifier.alive()
                self._guard.feed()
            case Quit():
                self._end(EXIT_OK)
            case _:
                assert_never(action)

    def _move(
        self, action: ObserveGroup | StartGroup | StopGroup | ReviseGroup | ForgetGroup
    ) -> None:
        if self._groups is None:  # set-up is still under way, and observes
            assert isinstance(action, ObserveGroup), "nothing moves before it was looked at"
            return
        match action:
            case ObserveGroup():
                self._groups.observe(action.group)
            case StartGroup():
                self._groups.start(action.group, action.operation)
            case StopGroup():
                self._groups.stop(action.group, action.operation, action.leave)
            case ReviseGroup():
                self._groups.revise(action.group, action.definition)
                self._tell_facts()
            case ForgetGroup():
                self._groups.forget(action.group)
                self._tell_facts()

    async def _keep_maintenance(self) -> None:
        """Write down what is believed now; a full disk costs the memory of it, not the cluster."""
        async with self._keeping:
            on = self._node.maintenance
            try:
                await asyncio.to_thread(identity.keep_maintenance, self._state_directory, on=on)
            except AdapterError as error:
                _log.error(
                    "%s; a restart of hbd forgets whether this node is in maintenance",
                    error,
                    extra=fields(node=self._node.name),
                )

    def _tell_status(self) -> None:
        text = summary(self._node)
        if text != self._status:
            self._status = text
            self._notifier.status(text)

    # --- a new configuration ---------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """What is in force."""
        return self._config

    @property
    def definitions(self) -> Definitions:
        """The groups of it, as this machine understands them."""
        assert self._groups is not None, "nobody asks before the groups are set up"
        return self._groups.newest

    async def prepare(self, config: Config) -> Definitions:
        """See `reload.Running`."""
        if self._groups is None or self._node.phase in (Phase.LEAVING, Phase.LEFT):
            raise AdapterError(f"{self._node.name} is {self._node.phase.value}")
        return await self._groups.prepare(config)

    def commit(self, config: Config, newest: Definitions) -> None:
        """See `reload.Running`.

        The core hears of it within: what it decided between would be on what is no longer so.
        """
        assert self._groups is not None, "what is put in force was prepared"
        try:
            new_links = self._media.reconfigure(config, build.speech_of(config))
            changed = build.event_of(config, new_links, self._groups.commit(config, newest))
            self._config = config
            self._notifier.set_watchdog(watchdog_usec(config.timing.deadtime_usec))
            self._guard.adopt(config.watchdog, config.timing.deadtime_usec)
            self._tell_facts()
            self._handle(changed)
        except Exception as error:  # whoever asked may not swallow it: half of it is in force
            context = {"message": "a reload broke off", "exception": error}
            self._crashed(asyncio.get_running_loop(), context)
            raise

    def _tell_facts(self) -> None:
        if self._endpoint is not None and self._groups is not None:
            links, groups = self._media.links, self._groups.facts
            self._endpoint.refact(build.facts_of(self._generation, links, groups))

    def _reload_for_signal(self) -> None:
        self._spawn(self._reloads.on_signal(), "reload")

    # --- meeting the machine ---------------------------------------------------------------------

    def _situation(self) -> Situation:
        """What `hbctl check` looks at, as of now."""
        assert self._network is not None, "checks begin after set-up"
        assert self._groups is not None, "checks begin after set-up"
        return Situation(self._node, self._config, self._groups.found, self._network.addresses)

    async def _join_bus(self, groups: Groups) -> None:
        """Be on the bus before READY; without one hbd works on, and tries again."""
        assert self._checkup is not None, "made before"
        self._endpoint = Endpoint(
            facts=build.facts_of(self._generation, self._media.links, groups.facts),
            node=self._node,
            post=self._inbox.post,
            next_job=lambda: JobId(next(self._jobs)),
            authority=PolkitAuthority(),
            reload=self._reloads.reload,
            readings=LinkReadings(counters=self._media.counters, faults=self._media.faults),
            check=self._checkup.desk.check,
            history=self._chronicle.readings,
        )
        try:
            await self._endpoint.connect()
        except NameTaken:
            raise
        except AdapterError as error:
            _log.warning("Not on the message bus: %s; working without it, trying again", error)
            self._spawn(self._join_bus_later(self._endpoint), "bus")

    async def _join_bus_later(self, endpoint: Endpoint) -> None:
        while True:
            await asyncio.sleep(BUS_RETRY_SECONDS)
            try:
                await endpoint.connect()
            except AdapterError:
                continue
            return

    # --- what the adapters tell -----------------------------------------------------------------

    def _address_lost(self, shared: SharedAddress, why: str) -> None:
        if self._groups is not None:
            self._groups.address_lost(shared, why)

    def _interface_changed(self, interface: str, presence: LinkPresence) -> None:
        self._media.interface_changed(interface, carries=presence is LinkPresence.UP)
        if self._network is not None and presence is LinkPresence.UP:
            self._network.announcer.renew(interface)

    def _refresh_bus(self) -> None:
        if self._endpoint is not None:
            self._endpoint.refresh()


def _is_progress(event: Event) -> bool:
    """Whether a resource has been released: a stop that fails again and again is none."""
    return isinstance(event, ResourceChanged) and event.state is ResourceState.STOPPED


def _healed(before: Node, after: Node) -> bool:
    """Whether a peer that was thought gone is heard again."""
    was_gone = before.peer.status in (PeerStatus.LOST, PeerStatus.FENCED)
    return was_gone and after.peer.is_heard
