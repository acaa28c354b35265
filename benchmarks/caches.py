"""What makes a read cold: the copy's blocks are in neither the server's nor the system's cache."""

import os

from benchmarks.catalogue import SCHEMA
from benchmarks.connection import Connection, DatabaseError
from benchmarks.files import find_files


class Caches:
    """The two caches of the copy's blocks, and which of them can be emptied from here.

    The server's (shared_buffers): on PostgreSQL 17 and later, by a superuser, where the extension
    pg_buffercache can be had. The operating system's: where the server runs on this machine and
    its data folder can be read. What a disk or a hypervisor remembers is beyond reach.
    """

    def __init__(self, connection: Connection):
        """Find out, once the copy stands."""
        self._connection = connection
        self.shared_buffers = self._can_evict()
        self._files = find_files(connection, SCHEMA)
        self.system = self._drop_system()

    def _can_evict(self) -> bool:
        try:
            self._connection.run("create_buffercache")
            self._connection.run("evict_buffers")
        except DatabaseError:
            return False
        return True

    def empty(self) -> None:
        """Empty what can be emptied."""
        if self.shared_buffers:
            self._connection.run("evict_buffers")
        if self.system:
            self._drop_system()

    def _drop_system(self) -> bool:
        """Drop the files from the system's cache; whether that could be done."""
        try:
            for file in self._files:
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    # Only what is on the disk is dropped, and no checkpoint writes unlogged tables.
                    os.fsync(descriptor)
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)
        except OSError:
            return False
        return bool(self._files)

    def describe(self) -> dict[str, bool]:
        """Return which caches were emptied before each cold pass."""
        return {"shared_buffers_emptied": self.shared_buffers, "system_cache_dropped": self.system}
