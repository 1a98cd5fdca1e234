"""The zip file that `torch.save` writes: a pickle, and one record of raw bytes a storage.

    <name>/data.pkl, <name>/data/<key>, <name>/byteorder (since torch 2.1), <name>/version

Records are uncompressed, so reading takes no more memory than the file has bytes. A compressed record is refused, and
so are records that together declare more bytes than the file has.
"""

from __future__ import annotations

import re
import struct
import sys
import zipfile
from pathlib import Path
from types import TracebackType

from causalmer_core.basics.errors import UserError

MAX_RECORDS = 100_000
_NAME = re.compile(r"[^/\\\0]+(/[^/\\\0]+)+")
_ENCRYPTED = 0x1
_CHUNK = 2**20
_ZIP_START = b"PK\x03\x04"
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
    struct.error,
)
"""Exceptions that `zipfile` raises on a truncated or altered file."""


class TorchArchive:
    """An opened file of `torch.save`; a context manager.

    Args:
        path: the file.

    Raises:
        UserError: the file is missing, damaged, of another format, or not as `torch.save` writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = _checked_start(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        try:
            self._records = self._checked_records()
            self._check_byte_order()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> TorchArchive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def size_of(self, name: str) -> int | None:
        """The size of a record in bytes, or None if there is no such record."""
        record = self._records.get(name)
        return None if record is None else record.file_size

    def read(self, name: str) -> bytearray:
        """The bytes of a record, after a check of its checksum.

        Raises:
            UserError: the record is damaged.
        """
        record = self._records[name]
        content = bytearray()
        try:
            with self._zip.open(record) as file:
                while chunk := file.read(_CHUNK):
                    content += chunk
        except _DAMAGE as error:
            raise _damaged(self.path, error) from error
        if len(content) != record.file_size:
            raise _damaged(self.path, f"record {name} has {len(content)} of {record.file_size} bytes")
        return content

    def _checked_records(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_RECORDS:
            raise self._refused(f"{len(infos)} records; allowed: at most {MAX_RECORDS}")
        for info in infos:
            self._check_record(info)
        total = sum(info.file_size for info in infos)
        if total > self.size:
            raise self._refused(f"records that declare {total} bytes in a file of {self.size}")
        roots = sorted({info.filename.split("/", 1)[0] for info in infos})
        records = {info.filename.split("/", 1)[1]: info for info in infos}
        if len(roots) != 1 or len(records) != len(infos):
            raise self._refused(
                f"records in several folders or twice under one name ({', '.join(roots[:3])})"
            )
        if "data.pkl" not in records:
            raise self._refused("no record data.pkl; is it a zip file of something else?")
        if "constants.pkl" in records:
            raise self._refused("a TorchScript program; give a file written by torch.save")
        return records

    def _check_record(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        if not _NAME.fullmatch(name) or ".." in name.split("/"):
            raise self._refused(f"a record named {name[:80]!r}; allowed are names inside one folder")
        if info.flag_bits & _ENCRYPTED:
            raise self._refused(f"an encrypted record {name[:80]}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise self._refused(
                f"a compressed record {name[:80]} (declared {info.file_size} bytes in {info.compress_size}); "
                "torch.save writes records uncompressed"
            )

    def _check_byte_order(self) -> None:
        size = self.size_of("byteorder")
        if size is None:
            return
        order = bytes(self.read("byteorder")) if size <= 16 else b"too long"
        if order != sys.byteorder.encode():
            raise self._refused(
                f"byte order {order.decode('latin-1')!r}; this machine's is {sys.byteorder!r}"
            )

    def _refused(self, what: str) -> UserError:
        return UserError(f"{self.path}: refused: the file has {what}. Nothing of it was run")


def _checked_start(path: Path) -> int:
    """The size of the file, which must begin as a zip file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(_OLD_TORCH))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give the path of a file written by torch.save"
        ) from error
    if start == _OLD_TORCH:
        raise UserError(
            f"{path}: refused: it is in torch's format from before version 1.6, which cannot be read safely; where "
            "it was made, load it and write it again with torch.save(model.state_dict(), FILE) of a newer torch"
        )
    if not start.startswith(_ZIP_START):
        raise UserError(
            f"{path}: not a checkpoint: it begins with {start[:4]!r}, not as a zip file; allowed are files that "
            "torch.save of torch 1.6 or newer writes: a whole module or a state_dict"
        )
    return size


def _damaged(path: Path, reason: object) -> UserError:
    return UserError(
        f"{path}: not a whole file of torch.save ({str(reason)[:160]}); is it cut short, or altered on its way?"
    )
