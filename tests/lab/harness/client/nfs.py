"""One NFS session with a file open on it, through libnfs: a client that needs no kernel support.

Works with libnfs 4 and 5 (Debian 12 and 13), whose functions have the same arguments.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_uint64, c_void_p

from tests.lab.harness.client.session import ANSWER_WITHIN, SessionLost, knock

_PORT = 2049

_NFS4_F_LOCK = 0  # libnfs's enum of lockf's commands

# After these an answer may still be owed to the context, and libnfs would deliver it into memory
# long gone; such a context is let go of by closing its socket only.
_UNSETTLED = frozenset({errno.EIO, errno.EINTR, errno.ETIMEDOUT, errno.EFAULT, errno.EPIPE})


class _FileHandle(ctypes.Structure):
    """libnfs's `struct nfs_fh`."""

    _fields_ = (("length", c_int), ("value", c_void_p))


def _library() -> ctypes.CDLL:
    for name in ("libnfs.so.13", "libnfs.so.14"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.nfs_init_context.restype = c_void_p
        library.nfs_get_error.restype = c_char_p
        library.nfs_get_error.argtypes = [c_void_p]
        library.nfs_destroy_context.argtypes = [c_void_p]
        library.nfs_set_version.argtypes = [c_void_p, c_int]
        library.nfs_set_timeout.argtypes = [c_void_p, c_int]
        library.nfs_set_autoreconnect.argtypes = [c_void_p, c_int]
        library.nfs_set_uid.argtypes = [c_void_p, c_int]
        library.nfs_set_gid.argtypes = [c_void_p, c_int]
        library.nfs_mount.argtypes = [c_void_p, c_char_p, c_char_p]
        library.nfs_open.argtypes = [c_void_p, c_char_p, c_int, POINTER(c_void_p)]
        library.nfs_creat.argtypes = [c_void_p, c_char_p, c_int, POINTER(c_void_p)]
        library.nfs_close.argtypes = [c_void_p, c_void_p]
        library.nfs_get_fh.restype = POINTER(_FileHandle)
        library.nfs_get_fh.argtypes = [c_void_p]
        library.nfs_get_fd.argtypes = [c_void_p]
        library.nfs_fsync.argtypes = [c_void_p, c_void_p]
        library.nfs_lockf.argtypes = [c_void_p, c_void_p, c_int, c_uint64]
        for transfer in (library.nfs_pread, library.nfs_pwrite):
            transfer.argtypes = [c_void_p, c_void_p, c_uint64, c_uint64, c_char_p]
        return library
    raise OSError("no libnfs.so.13 or libnfs.so.14: install libnfs-utils")


class NfsSession:
    """A file on an export, each write committed. `version` is 3 or 4."""

    def __init__(self, server: str, export: str, uid: int, name: str, version: int) -> None:
        knock(server, _PORT)  # libnfs itself would wait for TCP's retransmissions
        self._nfs = _library()
        self._context: int | None = self._nfs.nfs_init_context()
        self._file = c_void_p()
        self._is_settled = True
        self._nfs.nfs_set_version(self._context, version)
        self._nfs.nfs_set_timeout(self._context, int(ANSWER_WITHIN * 1000))
        self._nfs.nfs_set_autoreconnect(self._context, 0)
        self._nfs.nfs_set_uid(self._context, uid)
        self._nfs.nfs_set_gid(self._context, uid)
        path = f"/{name}".encode()
        try:
            self._must(self._nfs.nfs_mount(self._context, server.encode(), export.encode()))
            self._must(self._open(path))
            named = self._nfs.nfs_get_fh(self._file).contents
            self.handle = ctypes.string_at(named.value, named.length)
        except SessionLost:
            self.close()
            raise

    def write(self, offset: int, data: bytes) -> None:
        wrote = self._must(self._nfs.nfs_pwrite(self._context, self._file, offset, len(data), data))
        if wrote != len(data):
            raise SessionLost(f"nfs write: {wrote} of {len(data)} bytes")
        self._must(self._nfs.nfs_fsync(self._context, self._file))

    def read(self, offset: int, length: int) -> bytes:
        buffer = ctypes.create_string_buffer(length)
        got = self._must(self._nfs.nfs_pread(self._context, self._file, offset, length, buffer))
        return buffer.raw[:got]

    def lock(self) -> None:
        """Lock the file's first byte (NFSv4), or SessionLost."""
        self._must(self._nfs.nfs_lockf(self._context, self._file, _NFS4_F_LOCK, 1))

    def close(self) -> None:
        if self._context is None:
            return
        if self._is_settled:
            self._nfs.nfs_destroy_context(self._context)
        else:
            with contextlib.suppress(OSError):
                os.close(self._nfs.nfs_get_fd(self._context))
        self._context = None

    def _open(self, path: bytes) -> int:
        """Open for reading and writing; a file that is not there is made (for writing) first."""
        status: int = self._nfs.nfs_open(self._context, path, os.O_RDWR, byref(self._file))
        if status == -errno.ENOENT:
            made = self._nfs.nfs_creat(self._context, path, 0o644, byref(self._file))
            self._must(made)
            self._nfs.nfs_close(self._context, self._file)
            status = self._nfs.nfs_open(self._context, path, os.O_RDWR, byref(self._file))
        return status

    def _must(self, status: int) -> int:
        if status < 0:
            self._is_settled = -status not in _UNSETTLED
            why = self._nfs.nfs_get_error(self._context) or b""
            raise SessionLost(f"nfs: {os.strerror(-status)}: {why.decode(errors='replace')}")
        return status
