"""One call: look up, compare the signature, ask permission, act, answer. No traceback ever leaves.

Reading a property is answered at once. A method waits, for the gate and for its own work, in a
task of its own, so a slow polkit or a slow disk holds up nobody. What we did wrong ourselves is
logged here and told to the caller as Failed, without detail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dbus_next.constants import MessageFlag
from dbus_next.message import Message

from hbd.bus import names, standard
from hbd.bus.connection import Connection
from hbd.bus.contract import Contract
from hbd.bus.exported import Deed, Method
from hbd.bus.gate import Gate
from hbd.bus.history import HistoryReadings
from hbd.bus.names import ROOT, Error, Interface, Standard
from hbd.bus.objects import METHODS, Check, GroupObject, ManagerObject, Reload, Submit
from hbd.bus.properties import Tree, sendable
from hbd.bus.quiet import Quiet
from hbd.bus.standard import Answer, Call
from hbd.cluster.terms import GroupName
from hbd.errors import Refused

LOG = logging.getLogger(__name__)


class Calls:
    """Answers every method call that the bus delivers."""

    def __init__(
        self,
        *,
        tree: Callable[[], Tree],
        contract: Contract,
        gate: Gate,
        submit: Submit,
        groups: tuple[GroupName, ...],
        history: HistoryReadings,
        reload: Reload,
        check: Check,
    ) -> None:
        self._tree = tree
        self._contract = contract
        self._gate = gate
        self._submit = submit
        self._history = history
        self._reload = reload
        self._check = check
        self._objects: dict[str, object] = {}
        self.serve(groups)
        self._waiting: set[asyncio.Task[None]] = set()
        self._quiet = Quiet()

    def serve(self, groups: tuple[GroupName, ...]) -> None:
        """These are the groups that there are."""
        submit = self._submit
        manager = ManagerObject(submit, frozenset(groups), self._history, self._reload, self._check)
        self._objects = {ROOT: manager}
        self._objects |= {names.group_path(name): GroupObject(submit, name) for name in groups}

    def take(self, bus: Connection, message: Message) -> None:
        """Answer a call now, or begin to ask for its permission."""
        call = Call(
            sender=message.sender or "",
            path=message.path,
            interface=message.interface or "",
            member=message.member,
            signature=message.signature,
            body=tuple(message.body),
            interactive=bool(message.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION),
        )
        try:
            if call.interface in set(Standard):
                _answer(bus, message, standard.answer(call, self._tree(), self._contract))
                return
            method = self._method(call)
            deed = method.translate(self._objects[call.path], *call.body)
        except Refused as refused:
            _refuse(bus, message, refused)
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer
            self._fail(bus, message, error)
        else:
            task = asyncio.create_task(self._perform(bus, message, call, method, deed))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    def cancel(self) -> None:
        """Let go of every call that is not answered yet: its caller is gone or will be."""
        for task in self._waiting:
            task.cancel()

    def _method(self, call: Call) -> Method:
        """The method meant, with the right arguments, or Refused."""
        tree = self._tree()
        if call.path not in tree:
            raise standard.unknown_object(call.path)
        if not call.interface:
            raise Refused(Error.UNKNOWN_INTERFACE, "name the interface of the method")
        if call.interface not in tree[call.path]:
            why = f"no interface {call.interface} on {call.path}"
            raise Refused(Error.UNKNOWN_INTERFACE, why)
        method = METHODS.get(Interface(call.interface), {}).get(call.member)
        if method is None:
            raise standard.unknown_method(call)
        standard.expect(call, method.takes)
        return method

    async def _perform(
        self, bus: Connection, message: Message, call: Call, method: Method, deed: Deed
    ) -> None:
        try:
            async with self._gate.admit(
                bus, call.sender, method.permission, deed.details, interactive=call.interactive
            ) as caller:
                body = deed.do(caller)
                if isinstance(body, Awaitable):
                    body = await body
            _answer(bus, message, Answer(method.returns, body))
        except Refused as refused:
            _refuse(bus, message, refused)
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer
            self._fail(bus, message, error)

    def _fail(self, bus: Connection, message: Message, error: Exception) -> None:
        if self._quiet.may_say() is not None:
            LOG.error("%s.%s failed", message.interface, message.member, exc_info=error)
        text = "hbd made a mistake; its journal has more"
        _reply(bus, message, Message.new_error(message, Error.FAILED, text))


def _answer(bus: Connection, message: Message, answer: Answer) -> None:
    _reply(bus, message, Message.new_method_return(message, answer.signature, answer.body))


def _refuse(bus: Connection, message: Message, refused: Refused) -> None:
    _reply(bus, message, Message.new_error(message, refused.name, sendable(str(refused))))


def _reply(bus: Connection, message: Message, reply: Message) -> None:
    if not message.flags & MessageFlag.NO_REPLY_EXPECTED:
        bus.send(reply)
