"""The storage that all nodes share, as a preflight tests it."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from causalmer_core.basics.errors import UserError
from cluster.nodes.node_probe import LOCK, FolderProbe, Probe


class SharedPlace(Protocol):
    """A storage that every node should share: a folder or an object store."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    @property
    def remedy(self) -> str:
        """The advice if a node does not see files of other nodes."""
        ...

    def probed(self) -> AbstractContextManager[Probe]:
        """Yield a new place in it for tests, which is removed after the block.

        Raises:
            UserError: this process cannot write there.
        """
        ...


class SharedFolder:
    """A folder on a file system that all nodes mount; it is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._folder)

    @property
    def remedy(self) -> str:
        """Mount the folder on every node."""
        return f"mount the same file system at {self._folder} on every node, or give another --storage"

    @contextmanager
    def probed(self) -> Iterator[FolderProbe]:
        """Yield a new folder in it, with a held lock."""
        folder = self._folder / f".preflight-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            lock = (folder / LOCK).open("w", encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"--storage {self._folder}: cannot write there from here: {error.strerror or error}; allowed a folder "
                "of yours that all nodes share"
            ) from error
        try:
            with lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield FolderProbe(str(folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
