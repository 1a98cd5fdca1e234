"""The zip file around a checkpoint: what torch does not write is refused, by declared and by real sizes."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from crafted_checkpoints import EIGHT, archive, megabytes_for, read, storage, tensor
from torch import nn

from causalmer_core.basics.errors import UserError
from causalmer_core.published_checkpoint.reader import read_published

DEFLATED = zipfile.ZIP_DEFLATED


def with_bomb() -> bytes:
    """A hundred megabytes of zeros in a hundred kilobytes, beside a pickle that is stored as it should be."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", tensor(storage(numel=25 * 10**6), 0, (1,), (1,)))
        file.writestr("archive/data/0", bytes(10**8), DEFLATED)
    return buffer.getvalue()


def declared(data: bytes, size: int) -> bytes:
    """A file whose directory declares another uncompressed size for its second record."""
    place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 24
    return data[:place] + struct.pack("<I", size) + data[place + 4 :]


def both_sizes(data: bytes, size: int) -> bytes:
    place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 20
    return data[:place] + struct.pack("<II", size, size) + data[place + 8 :]


WHOLE = archive(tensor(storage(), 0, (8,), (1,)), EIGHT)
ZIPS = {
    "a zip bomb": (
        with_bomb(),
        "a compressed record archive/data/0 .declared 100000000 bytes",
    ),
    "a compressed pickle": (
        archive(b"\x80\x02" + b"N0" * 10**6 + b"N.", compression=DEFLATED),
        "a compressed record",
    ),
    "a record that declares more than it has": (declared(WHOLE, 2**31), "a compressed record"),
    "records that declare more than the file": (
        both_sizes(WHOLE, 2**30),
        "records that declare .* bytes in a file of",
    ),
    "a record of another size": (both_sizes(WHOLE, 7), "not a whole file of torch.save"),
    "a record outside": (archive(b"N.", root="../archive"), r"a record named '\.\./archive"),
    "a record at the root of the machine": (archive(b"N.", root="/etc"), "a record named '/etc"),
    "a record outside its folder": (archive(b"N.", {"data/../../x": b""}), "a record named"),
    "another byte order": (
        archive(b"N.", {"byteorder": b"big" if sys.byteorder == "little" else b"little"}),
        "byte order '(big|little)'; this machine's",
    ),
    "a long byte order": (archive(b"N.", {"byteorder": b"x" * 100}), "byte order 'too long'"),
    "a TorchScript program": (archive(b"N.", {"constants.pkl": b"N."}), "a TorchScript program"),
    "a zip file of something else": (archive(b"N.").replace(b"data.pkl", b"word.xml"), "no record data.pkl"),
    "a file cut short": (WHOLE[: len(WHOLE) // 2], "not a whole file of torch.save .* cut short"),
    "a bare pickle": (pickle.dumps({"a": 1}), "not a checkpoint: it begins with"),
    "nothing": (b"", "not a checkpoint: it begins with"),
    "safetensors": (struct.pack("<Q", 2) + b"{}", "not a checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_a_file_that_torch_does_not_write_is_refused(tmp_path: Path, name: str) -> None:
    data, reason = ZIPS[name]
    with pytest.raises(UserError, match=rf"model\.pt: .*{reason}"):
        read(tmp_path, data)


def test_two_folders_and_two_records_of_one_name_are_refused(tmp_path: Path) -> None:
    for extra in ("other/data/0", "archive/data.pkl"):
        path = tmp_path / "model.pt"
        path.write_bytes(WHOLE)
        with zipfile.ZipFile(path, "a") as file:
            if extra.startswith("archive"):
                with pytest.warns(UserWarning, match="Duplicate name"):
                    file.writestr(extra, b"N.")
            else:
                file.writestr(extra, b"")
        with pytest.raises(UserError, match="several folders or twice under one name"):
            read_published(path)


def test_the_format_of_old_torch_is_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match=r"old\.pt: refused: .*before version 1\.6.*write it again"):
        read_published(tmp_path / "old.pt")


def test_a_file_that_is_not_there_is_an_error_to_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pt: cannot be read"):
        read_published(tmp_path / "absent.pt")
    with pytest.raises(UserError, match="cannot be read"):
        read_published(tmp_path)


def test_a_file_of_torch_1_without_a_byte_order_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("best/data.pkl", tensor(storage(), 0, (8,), (1,)))
        file.writestr("best/data/0", EIGHT["data/0"])
    assert read(tmp_path, buffer.getvalue()).tensors["w"].tolist() == list(range(8))


def test_the_worst_archives_leave_the_interpreter_in_little_memory(tmp_path: Path) -> None:
    assert megabytes_for([data for data, _ in ZIPS.values()], tmp_path) < 200
