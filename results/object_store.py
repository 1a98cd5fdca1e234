"""A sweep on an object store: objects below an address, and a working copy of them in a folder of this machine.

Object stores have neither appending nor renaming. So every file is put whole, from bytes that are there before the
writing begins: pyarrow publishes what was written so far when a block around an output stream is left by an error, and
no error of ours can come in between here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, final
from urllib.parse import parse_qsl, unquote

import pyarrow as pa
from pyarrow import fs

from causalmer_core.errors import UserError
from results.files import exclusive_lock, written_aside
from results.object_uri import ObjectUri
from results.store_error import asking
from results.store_lock import StoreLock
from results.sweep_store import SweepStore

_S3_TEXTS = ("endpoint_override", "scheme", "region", "tls_ca_file_path")
_ENDPOINTS = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}
_AT_ONCE = 16
"""So many journals are fetched side by side."""


class Objects:
    """The objects below an address.

    Args:
        uri: the address.

    Raises:
        UserError: pyarrow cannot make anything of it.
        StoreError: the store cannot be asked.
    """

    def __init__(self, uri: ObjectUri) -> None:
        self.uri = uri
        try:
            with asking(f"find {uri}"):
                self._files = _s3(uri) if uri.scheme == "s3" else fs.FileSystem.from_uri(str(uri))[0]
        except (ValueError, pa.ArrowNotImplementedError) as error:
            raise UserError(f"storage: {uri} is not an address that pyarrow can use: {error}") from error
        self._root = f"{uri.bucket.removeprefix('anonymous@')}/{unquote(uri.key)}".rstrip("/")

    def put(self, name: str, data: bytes | pa.Buffer) -> None:
        """Write an object, whole or not at all."""
        with asking(f"write {self.uri / name}"):
            stream = self._files.open_output_stream(f"{self._root}/{name}")
            stream.write(data)
            stream.close()  # in no `with`: after an error in `write` nothing may be published

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, none where there is none."""
        try:
            with (
                asking(f"read {self.uri / name}"),
                self._files.open_input_stream(f"{self._root}/{name}") as stream,
            ):
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        """Remove an object if it is there."""
        with asking(f"remove {self.uri / name}"), suppress(FileNotFoundError):
            self._files.delete_file(f"{self._root}/{name}")

    def size(self, name: str) -> int | None:
        """The bytes of an object, counted; none where there is none."""
        with asking(f"look at {self.uri / name}"):
            info = self._files.get_file_info(f"{self._root}/{name}")
        return info.size if info.type is fs.FileType.File else None

    def sizes(self, folder: str) -> dict[str, int]:
        """The names of all objects in a folder, and their sizes."""
        wanted = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True, recursive=True)
        with asking(f"list {self.uri / folder}"):
            found = self._files.get_file_info(wanted)
        start = len(self._root) + 1
        return {info.path[start:]: info.size for info in found if info.type is fs.FileType.File}

    def folders(self) -> list[str]:
        """The names of the folders directly below the address, sorted."""
        with asking(f"list {self.uri}"):
            found = self._files.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
        return sorted(info.base_name for info in found if info.type is fs.FileType.Directory)


def _s3(uri: ObjectUri) -> fs.S3FileSystem:
    """As `FileSystem.from_uri`, but small objects are one request each instead of three."""
    given = dict(parse_qsl(uri.query))
    options: dict[str, Any] = {name: given[name] for name in _S3_TEXTS if name in given}
    if "force_virtual_addressing" in given:
        options["force_virtual_addressing"] = given["force_virtual_addressing"].lower() in ("1", "true")
    if not options.keys() & {"region", "endpoint_override"} and not _ENDPOINTS & os.environ.keys():
        options["region"] = fs.resolve_s3_region(uri.bucket)
    return fs.S3FileSystem(allow_delayed_open=True, **options)


@final
@dataclass(frozen=True)
class ObjectStore(SweepStore):
    """A sweep on an object store.

    Attributes:
        objects: those of the sweep.
        root: the folder of the working copy.
        sweep_id: the identity of the sweep that is there, or that is begun there.
    """

    objects: Objects
    root: Path
    sweep_id: str

    def push(self, path: Path) -> None:
        """One PUT; large files are read from the disk as they are sent."""
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
        _write(path, data)
        return True

    def pull_grown(self, path: Path) -> bool:
        """One look, and one GET where the store's is longer."""
        size = self.objects.size(self._name(path))
        self._pull_longer(path, size or 0)
        return path.exists()

    def pull_runs(self) -> None:
        """One listing, and one GET for each that has grown elsewhere."""
        self._pull_folder("journals/runs")

    def pull_records(self) -> None:
        """The same for all journals; then the manifest, the sweep's file, the selection and the log."""
        self._pull_folder("journals")
        for name in ("manifest.json", "sweep.yaml", "selection.json"):
            self.pull(self.root / name)
        self.pull_grown(self.root / "sweep.log")

    def push_ahead(self) -> None:
        """One listing, and one PUT for each that is."""
        sizes = self.objects.sizes("journals")
        for path in sorted((self.root / "journals").rglob("*.jsonl")):
            if _size(path) > sizes.get(self._name(path), 0):
                self.push(path)

    def has(self, path: Path) -> bool:
        """One look."""
        return self.objects.size(self._name(path)) is not None

    def remove(self, path: Path) -> None:
        """Remove it here and there."""
        path.unlink(missing_ok=True)
        self.objects.delete(self._name(path))

    @contextmanager
    def reserved(self, busy: str, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock object `.lock.json` of the sweep."""
        with StoreLock(self.objects.put, self.objects.get, self.objects.delete).held(busy, say):
            yield

    def is_reserved(self) -> bool:
        """Whether the lock object is there, and not stale by this machine's clock."""
        return StoreLock(self.objects.put, self.objects.get, self.objects.delete).is_held()

    def address(self, root: Path) -> str:
        """The sweep's address."""
        return str(self.objects.uri)

    def shown(self, path: Path) -> str:
        """The object's address."""
        return str(self.objects.uri if path == self.root else self.objects.uri / self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _pull_folder(self, folder: str) -> None:
        sizes = self.objects.sizes(folder)
        journals = {self.root / name: size for name, size in sizes.items() if _is_journal(name)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            fetched = [pool.submit(self._pull_longer, path, size) for path, size in journals.items()]
        for one in fetched:
            one.result()

    def _pull_longer(self, path: Path, size: int) -> None:
        if size <= _size(path):
            return
        data = self.objects.get(self._name(path)) or b""
        with exclusive_lock(self.root / ".pull.lock"):  # else an older answer could replace a newer one
            if len(data) > _size(path):
                _write(path, data)


def _is_journal(name: str) -> bool:
    """Whether an object is a journal, and its name does not lead out of the working copy."""
    path = PurePosixPath(name)
    return path.suffix == ".jsonl" and ".." not in path.parts


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _write(path: Path, data: bytes) -> None:
    with written_aside(path) as temporary:
        temporary.write_bytes(data)
