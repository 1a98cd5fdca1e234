"""Where the records of a sweep are kept, seen from the files of its folder.

A sweep is written and read as files of a folder (`results.records.layout`). On a disk that folder is the sweep. On an object
store it is a working copy, and these methods are the points at which the two are brought together: what is said to be
durable is in the store, and what another node wrote is fetched before it is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import final


class SweepStore(ABC):
    """Abstract: where a sweep is kept. Paths are those of its folder here.

    Attributes:
        sweep_id: the identity that a sweep which is begun here gets; none: any fresh one.

    All methods raise `results.storage.store_error.StoreError` where the store does not do what it is asked.
    """

    sweep_id: str | None

    @abstractmethod
    def push(self, path: Path) -> None:
        """Put a file into the store as it is here, whole or not at all; when this returns, it is there."""

    @abstractmethod
    def pull(self, path: Path) -> bool:
        """Make a file here what it is in the store; whether there is one."""

    @abstractmethod
    def pull_grown(self, path: Path) -> bool:
        """As `pull`, of a file that only ever grows: a longer one here is ahead of the store, and stays."""

    @abstractmethod
    def pull_runs(self) -> None:
        """`pull_grown` of the journals of all runs."""

    @abstractmethod
    def pull_records(self) -> None:
        """Everything that is read of a sweep but weights and checkpoints."""

    @abstractmethod
    def pull_folder(self, folder: Path) -> None:
        """Every file directly in a folder whose files are put whole and never change."""

    @abstractmethod
    def push_ahead(self) -> None:
        """Push the journals that are longer here than in the store, where their writers could not put them.

        To be called while nobody writes them.
        """

    @abstractmethod
    def has(self, path: Path) -> bool:
        """Whether the store has the file."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Remove a file here and in the store, if it is there."""

    @abstractmethod
    def reserved(self, busy: str, notify: Callable[[str], None]) -> AbstractContextManager[None]:
        """Keep the drivers of other machines out within the block.

        Args:
            busy: what the refusal says where one runs.
            notify: hears what it takes to get in.

        Raises:
            UserError: another process drives the sweep.
        """

    @abstractmethod
    def is_reserved(self) -> bool:
        """Whether a process that seems alive keeps others out."""

    @abstractmethod
    def address(self, root: Path) -> str:
        """What `results.records.layout.layout_at` finds the sweep by, on every node."""

    @abstractmethod
    def shown(self, path: Path) -> str:
        """A file or folder as a user finds it."""


@final
class FolderStore(SweepStore):
    """The folder is the sweep, and its locks (`results.storage.locks.exclusive_lock`) keep others out: nothing to be done."""

    sweep_id = None

    def push(self, path: Path) -> None:
        """It is there."""

    def pull(self, path: Path) -> bool:
        """Whether it is there."""
        return path.exists()

    def pull_grown(self, path: Path) -> bool:
        """Whether it is there."""
        return path.exists()

    def pull_runs(self) -> None:
        """They are there."""

    def pull_records(self) -> None:
        """They are there."""

    def pull_folder(self, folder: Path) -> None:
        """They are there."""

    def push_ahead(self) -> None:
        """None is."""

    def has(self, path: Path) -> bool:
        """Whether it is there."""
        return path.exists()

    def remove(self, path: Path) -> None:
        """Remove it."""
        path.unlink(missing_ok=True)

    @contextmanager
    def reserved(self, busy: str, notify: Callable[[str], None]) -> Iterator[None]:
        """Nothing: the folder's own lock does it."""
        yield

    def is_reserved(self) -> bool:
        """No: the folder's own lock says it."""
        return False

    def address(self, root: Path) -> str:
        """The absolute path."""
        return str(root.resolve())

    def shown(self, path: Path) -> str:
        """The path."""
        return str(path)
