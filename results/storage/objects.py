"""Reading and writing the objects below an address on an object store, as bytes.

Object stores can neither append nor rename, so every object is written whole. Its bytes are complete before the writing
begins: if an error ends a `with` block around an output stream, pyarrow publishes the bytes written so far.
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
"""Seconds between the retries of a running sweep, in addition to the provider library's own retries."""

_S3_TEXTS = ("endpoint_override", "scheme", "region", "tls_ca_file_path")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""The environment variables with the endpoint of addresses without one. The first one set counts."""
_Answer = TypeVar("_Answer")


class Objects:
    """The objects below an address. Every method may raise `StoreError`.

    Args:
        uri: the address.
        waits: the seconds before each retry of a request that got no answer. Empty: no retry.

    Raises:
        UserError: pyarrow does not accept the address.
        StoreError: the store does not answer.
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
            stream.close()  # without `with`, which would publish an incomplete object after an error in `write`

        self._ask(f"write {self.uri / name}", write)

    def get(self, name: str) -> bytes | None:
        """The bytes of an object at one moment. None if it does not exist."""
        # One request reads the whole object, and is repeated if the object's size has changed since. A pyarrow stream
        # sends a request for every 256 KiB, and would mix an object with one that replaces it.

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
        """Remove an object if it exists."""

        def remove() -> None:
            with suppress(FileNotFoundError):
                self._files.delete_file(f"{self._root}/{name}")

        self._ask(f"remove {self.uri / name}", remove)

    def size(self, name: str) -> int | None:
        """The size of an object in bytes. None if it does not exist."""
        path = f"{self._root}/{name}"
        info = self._ask(f"look at {self.uri / name}", lambda: self._files.get_file_info(path))
        return info.size if info.type is fs.FileType.File else None

    def sizes(self, folder: str) -> dict[str, int]:
        """The sizes in bytes of all objects in a folder and below it, by name."""
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
    """As `FileSystem.from_uri`, but a small object is written by one request instead of three."""
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
    """The endpoint in the environment, which `FileSystem.from_uri` reads but a file system's constructor does not."""
    given = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    return None if given is None else urlsplit(given)
