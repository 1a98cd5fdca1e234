"""The place of all sweeps that the nodes of a cluster share: how a preflight tries it, and what to do where they do
not.
"""

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
    """A folder, or something like one, that every node should see."""

    @property
    def name(self) -> str:
        """How it is called in what is said of it."""
        ...

    @property
    def remedy(self) -> str:
        """What to do where a node does not see what others wrote."""
        ...

    def probed(self) -> AbstractContextManager[Probe]:
        """Somewhere new in it to try, gone after the block.

        Raises:
            UserError: this process itself cannot write there.
        """
        ...


class SharedFolder:
    """A folder on a file system that all nodes mount; it is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._folder)

    @property
    def remedy(self) -> str:
        """Mount it."""
        return f"mount the same file system at {self._folder} on every node, or give another --storage"

    @contextmanager
    def probed(self) -> Iterator[FolderProbe]:
        """A new folder in it, with a lock that is held."""
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
