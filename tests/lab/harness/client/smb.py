"""One SMB3 session with a file open on it, through smbprotocol."""

from __future__ import annotations

import uuid

# smbprotocol ships no type information; its use stays in this file.
from smbprotocol.connection import Connection, Request  # type: ignore[import-untyped]
from smbprotocol.exceptions import SMBException  # type: ignore[import-untyped]
from smbprotocol.open import (  # type: ignore[import-untyped]
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.session import Session as Login  # type: ignore[import-untyped]
from smbprotocol.tree import TreeConnect  # type: ignore[import-untyped]

from tests.lab.harness.client.session import ANSWER_WITHIN, CONNECT_WITHIN, SessionLost

_TROUBLE = (SMBException, OSError, ValueError)  # the library turns a refused connect to ValueError


class _Impatient(Connection):  # type: ignore[misc]  # the library is untyped
    """A connection on which no answer may take longer than `ANSWER_WITHIN`.

    The library would wait for TCP to give up, which is many seconds of retransmissions after the
    server's address has moved.
    """

    def receive(
        self,
        request: Request,
        wait: bool = True,
        timeout: float | None = None,
        resolve_symlinks: bool = True,
    ) -> object:
        if not request.response_event.wait(ANSWER_WITHIN):
            raise SMBException(f"no answer within {ANSWER_WITHIN:g} s")
        patience = timeout or 2 * ANSWER_WITHIN  # the server may have said that it is at work
        return super().receive(request, wait, patience, resolve_symlinks)


class SmbSession:
    """A file on a share, written through to the server's disk."""

    handle = b""

    def __init__(self, server: str, share: str, user: str, password: str, name: str) -> None:
        self._connection = _Impatient(uuid.uuid4(), server, 445)
        try:
            self._connection.connect(timeout=CONNECT_WITHIN)
            login = Login(self._connection, user, password, require_encryption=False)
            login.connect()
            tree = TreeConnect(login, rf"\\{server}\{share}")
            tree.connect(require_secure_negotiate=False)
            self._file = _open(tree, name)
        except _TROUBLE as error:
            self.close()
            raise SessionLost(f"smb open: {error}") from error

    def write(self, offset: int, data: bytes) -> None:
        try:
            self._file.write(data, offset)
            self._file.flush()
        except _TROUBLE as error:
            raise SessionLost(f"smb write: {error}") from error

    def read(self, offset: int, length: int) -> bytes:
        try:
            data: bytes = self._file.read(offset, length)
        except _TROUBLE as error:
            raise SessionLost(f"smb read: {error}") from error
        return data

    def close(self) -> None:
        if self._connection.transport is not None:
            self._connection.transport.close()


def _open(tree: TreeConnect, name: str) -> Open:
    opened = Open(tree, name)
    opened.create(
        ImpersonationLevel.Impersonation,
        FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE,
        FileAttributes.FILE_ATTRIBUTE_NORMAL,
        ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE,
        CreateDisposition.FILE_OPEN_IF,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
    )
    return opened
