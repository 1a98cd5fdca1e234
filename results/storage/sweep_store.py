"""The store of a sweep's records, seen from the files of its folder.

A sweep is written and read as files of a folder (`results.records.layout`). On a disk this folder is the sweep. On an
object store it is a working copy, and these methods synchronise the two. A durable file is in the store, and the files
of other nodes are fetched before they are read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import final


class SweepStore(ABC):
    """The store of one sweep (abstract). Paths are paths in its local folder.

    All methods raise `results.storage.store_error.StoreError` if a request to the store fails.

    Attributes:
        sweep_id: the identity of a sweep that begins here. None: a fresh one.
    """

    sweep_id: str | None

    @abstractmethod
    def push(self, path: Path) -> None:
        """Copy a local file to the store, whole or not at all. When this returns, the file is in the store."""

    @abstractmethod
    def pull(self, path: Path) -> bool:
        """Copy a file from the store, or remove it here if the store has none. Returns whether the store has it."""

    @abstractmethod
    def pull_grown(self, path: Path) -> bool:
        """As `pull`, for a file that only grows. A longer local file is newer than the store's, and is kept."""

    @abstractmethod
    def pull_runs(self) -> None:
        """`pull_grown` for the journals of all runs."""

    @abstractmethod
    def pull_records(self) -> None:
        """Fetch all records of a sweep except weights and checkpoints."""

    @abstractmethod
    def pull_folder(self, folder: Path) -> None:
        """Fetch every file directly in a folder whose files are written whole and never change."""

    @abstractmethod
    def push_ahead(self) -> None:
        """Push the journals that are longer here than in the store, because an earlier push failed.

        Call it only while no process writes them.
        """

    @abstractmethod
    def has(self, path: Path) -> bool:
        """Whether the store has the file."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Remove a file here and in the store, if it exists."""

    @abstractmethod
    def reserved(self, busy: str, notify: Callable[[str], None]) -> AbstractContextManager[None]:
        """Exclude the drivers of other machines within the block.

        Args:
            busy: the start of the error message if another process drives the sweep.
            notify: called with messages for the user.

        Raises:
            UserError: another process drives the sweep.
        """

    @abstractmethod
    def is_reserved(self) -> bool:
        """Whether a process that seems alive has reserved the sweep."""

    @abstractmethod
    def address(self, root: Path) -> str:
        """The address with which `results.records.locate.layout_at` finds the sweep on every node."""

    @abstractmethod
    def shown(self, path: Path) -> str:
        """The path or address of a file or folder, for users."""


@final
class FolderStore(SweepStore):
    """The store of a sweep in a folder. The folder is the sweep and has its own locks, so every method is trivial."""

    sweep_id = None

    def push(self, path: Path) -> None:
        """Nothing to copy."""

    def pull(self, path: Path) -> bool:
        """Whether the file exists."""
        return path.exists()

    def pull_grown(self, path: Path) -> bool:
        """Whether the file exists."""
        return path.exists()

    def pull_runs(self) -> None:
        """Nothing to fetch."""

    def pull_records(self) -> None:
        """Nothing to fetch."""

    def pull_folder(self, folder: Path) -> None:
        """Nothing to fetch."""

    def push_ahead(self) -> None:
        """Nothing to copy."""

    def has(self, path: Path) -> bool:
        """Whether the file exists."""
        return path.exists()

    def remove(self, path: Path) -> None:
        """Remove the file."""
        path.unlink(missing_ok=True)

    @contextmanager
    def reserved(self, busy: str, notify: Callable[[str], None]) -> Iterator[None]:
        """Nothing to reserve: the folder has its own lock (`results.storage.files.exclusive_lock`)."""
        yield

    def is_reserved(self) -> bool:
        """Always False: the folder's own lock is checked elsewhere."""
        return False

    def address(self, root: Path) -> str:
        """The absolute path."""
        return str(root.resolve())

    def shown(self, path: Path) -> str:
        """The path."""
        return str(path)
