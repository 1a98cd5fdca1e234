"""A sweep on an object store, with a working copy in a local folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import final

import pyarrow as pa

from causalmer_core.basics.files import write_bytes
from results.storage.locks import exclusive_lock
from results.storage.objects import Objects
from results.storage.store_lock import StoreLock
from results.storage.sweep_store import SweepStore

_SEALS = "journals/seals.jsonl"
_AT_ONCE = 16
"""The number of journals that are fetched at the same time."""


@final
@dataclass(frozen=True)
class ObjectStore(SweepStore):
    """A sweep on an object store.

    Attributes:
        objects: the objects of the sweep.
        root: the folder of the working copy.
        sweep_id: the identity of the existing sweep, or of the sweep that begins here.
    """

    objects: Objects
    root: Path
    sweep_id: str

    def push(self, path: Path) -> None:
        """One PUT. Large files are read from the disk while they are sent."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < 2**20:
                self.objects.put(self._name(path), file.read())
                return
        with pa.memory_map(str(path)) as file:
            self.objects.put(self._name(path), file.read_buffer())

    def pull(self, path: Path) -> bool:
        """One GET."""
        data = self.objects.get(self._name(path))
        if data is None:
            path.unlink(missing_ok=True)
            return False
        write_bytes(path, data)
        return True

    def pull_grown(self, path: Path) -> bool:
        """One HEAD, and one GET if the object is longer."""
        size = self.objects.size(self._name(path))
        self._pull_longer(path, size or 0)
        return path.exists()

    def pull_runs(self) -> None:
        """One listing, and one GET for each journal that is longer in the store."""
        self._pull_journals("journals/runs")

    def pull_records(self) -> None:
        """As `pull_runs` for all journals, then the manifest, the sweep's file, the selection and the log."""
        self._pull_journals("journals")
        for name in ("manifest.json", "sweep.yaml", "selection.json"):
            self.pull(self.root / name)
        self.pull_grown(self.root / "sweep.log")

    def pull_folder(self, folder: Path) -> None:
        """One listing, and one GET for each file that is missing here or has another size."""
        for name, size in self.objects.sizes(self._name(folder)).items():
            path = folder / PurePosixPath(name).name
            if self._name(path) == name and _size(path) != size:
                self.pull(path)

    def push_ahead(self) -> None:
        """One listing, and one PUT for each journal that is longer here."""
        sizes = self.objects.sizes("journals")
        for path in sorted((self.root / "journals").rglob("*.jsonl")):
            if _size(path) > sizes.get(self._name(path), 0):
                self.push(path)

    def has(self, path: Path) -> bool:
        """One HEAD."""
        return self.objects.size(self._name(path)) is not None

    def remove(self, path: Path) -> None:
        """Remove the file here and the object in the store."""
        path.unlink(missing_ok=True)
        self.objects.delete(self._name(path))

    @contextmanager
    def reserved(self, busy: str, notify: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock object `.lock.json` of the sweep."""
        with self._lock().held(busy, notify):
            yield

    def is_reserved(self) -> bool:
        """Whether the lock object exists and is not stale by this machine's clock."""
        return self._lock().is_held()

    def address(self, root: Path) -> str:
        """The sweep's address."""
        return str(self.objects.uri)

    def shown(self, path: Path) -> str:
        """The object's address."""
        return str(self.objects.uri if path == self.root else self.objects.uri / self._name(path))

    def _lock(self) -> StoreLock:
        objects = Objects(self.objects.uri)  # without retries: the lock's next renewal is the retry
        return StoreLock(objects.put, objects.get, objects.delete)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _pull_journals(self, folder: str) -> None:
        # The seals come first: a seal that is older than its journal still holds, because journals only grow.
        self.pull_grown(self.root / _SEALS)
        sizes = {name: size for name, size in self.objects.sizes(folder).items() if name != _SEALS}
        journals = {self.root / name: size for name, size in sizes.items() if _is_journal(name)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            fetched = [pool.submit(self._pull_longer, path, size) for path, size in journals.items()]
        for one in fetched:
            one.result()

    def _pull_longer(self, path: Path, size: int) -> None:
        if size <= _size(path):
            return
        data = self.objects.get(self._name(path)) or b""
        with exclusive_lock(self.root / ".pull.lock"):  # otherwise an older answer could replace a newer one
            if len(data) > _size(path):
                write_bytes(path, data)


def _is_journal(name: str) -> bool:
    """Whether an object is a journal whose name stays within the working copy."""
    path = PurePosixPath(name)
    return path.suffix == ".jsonl" and ".." not in path.parts


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
