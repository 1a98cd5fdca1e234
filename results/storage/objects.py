"""The objects below an address on an object store, in bytes.

Object stores have neither appending nor renaming. So every object is put whole, from bytes that are there before the
writing begins: pyarrow publishes what was written so far when a block around an output stream is left by an error, and
no error of ours can come in between here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from causalmer_core.basics.errors import UserError
from results.storage.object_uri import ObjectUri
from results.storage.store_error import StoreError, asking

WAITS = (1.0, 4.0, 16.0)
"""Seconds between tries of a sweep that is under way, beyond those of the provider's library."""

_S3_TEXTS = ("endpoint_override", "scheme", "region", "tls_ca_file_path")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Variables that name the endpoint where an address does not, the stronger first."""
_Answer = TypeVar("_Answer")


class Objects:
    """The objects below an address.

    Args:
        uri: the address.
        waits: where a store does not answer it is asked again after each of these seconds; by default it is not.

    Raises:
        UserError: pyarrow cannot make anything of it.
        StoreError: the store cannot be asked.
    """

    def __init__(self, uri: ObjectUri, waits: Sequence[float] = ()) -> None:
        self.uri = uri
        self._waits = waits
        try:
            with asking(f"find {uri}"):
                self._files = _s3(uri) if uri.scheme == "s3" else fs.FileSystem.from_uri(str(uri))[0]
        except (ValueError, pa.ArrowNotImplementedError) as error:
            raise UserError(f"storage: {uri} is not an address that pyarrow can use: {error}") from error
        self._root = f"{uri.bucket.removeprefix('anonymous@')}/{unquote(uri.key)}".rstrip("/")

    def put(self, name: str, data: bytes | pa.Buffer) -> None:
        """Write an object, whole or not at all."""

        def write() -> None:
            stream = self._files.open_output_stream(f"{self._root}/{name}")
            stream.write(data)
            stream.close()  # in no `with`: after an error in `write` nothing may be published

        self._ask(f"write {self.uri / name}", write)

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, none where there is none.

        They are those of one moment: they come in one request, for the size that the object had before, and again where
        it has another one afterwards. A stream of pyarrow's would ask for every 256 KiB anew, and read on in whatever
        has replaced the object meanwhile.
        """

        def read() -> bytes | None:
            with (
                suppress(FileNotFoundError),
                self._files.open_input_file(f"{self._root}/{name}") as file,
            ):
                return bytes(file.read_at(file.size(), 0))
            return None

        while True:
            data = self._ask(f"read {self.uri / name}", read)
            if data is None or self.size(name) in (len(data), None):
                return data

    def delete(self, name: str) -> None:
        """Remove an object if it is there."""

        def remove() -> None:
            with suppress(FileNotFoundError):
                self._files.delete_file(f"{self._root}/{name}")

        self._ask(f"remove {self.uri / name}", remove)

    def size(self, name: str) -> int | None:
        """The bytes of an object, counted; none where there is none."""
        path = f"{self._root}/{name}"
        info = self._ask(f"look at {self.uri / name}", lambda: self._files.get_file_info(path))
        return info.size if info.type is fs.FileType.File else None

    def sizes(self, folder: str) -> dict[str, int]:
        """The names of all objects in a folder, and their sizes."""
        wanted = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True, recursive=True)
        found = self._ask(f"list {self.uri / folder}", lambda: self._files.get_file_info(wanted))
        start = len(self._root) + 1
        return {info.path[start:]: info.size for info in found if info.type is fs.FileType.File}

    def folders(self) -> list[str]:
        """The names of the folders directly below the address, sorted."""
        wanted = fs.FileSelector(self._root, allow_not_found=True)
        found = self._ask(f"list {self.uri}", lambda: self._files.get_file_info(wanted))
        return sorted(info.base_name for info in found if info.type is fs.FileType.Directory)

    def _ask(self, what: str, answer: Callable[[], _Answer]) -> _Answer:
        for wait in self._waits:
            try:
                with asking(what):
                    return answer()
            except StoreError as error:
                if not error.may_pass:
                    raise
                time.sleep(wait)
        with asking(what):
            return answer()


def _s3(uri: ObjectUri) -> fs.S3FileSystem:
    """As `FileSystem.from_uri`, but small objects are one request each instead of three."""
    given = dict(parse_qsl(uri.query))
    options: dict[str, Any] = {name: given[name] for name in _S3_TEXTS if name in given}
    if "force_virtual_addressing" in given:
        options["force_virtual_addressing"] = given["force_virtual_addressing"].lower() in ("1", "true")
    if "endpoint_override" not in options and (endpoint := _endpoint_of_environment()) is not None:
        options = {"scheme": endpoint.scheme or "https", **options, "endpoint_override": endpoint.netloc}
    if not options.keys() & {"region", "endpoint_override"}:
        options["region"] = fs.resolve_s3_region(uri.bucket)
    return fs.S3FileSystem(allow_delayed_open=True, **options)


def _endpoint_of_environment() -> SplitResult | None:
    """What `FileSystem.from_uri` looks for, and the constructor of a file system does not."""
    given = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    return None if given is None else urlsplit(given)
