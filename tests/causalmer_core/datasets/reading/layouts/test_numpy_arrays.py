"""Plain NumPy arrays: archives and folders say the same as the pickle, and no object in them is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from field_files import SIZES, Splits, flat, plain_splits, write_npy, write_pickle

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.datasets.manifest import fingerprint
from causalmer_core.datasets.reading.importing import ImportedData, read_data_file
from causalmer_core.datasets.reading.layouts import numpy_arrays


def full_splits() -> Splits:
    splits = plain_splits()
    for name, n in SIZES.items():
        splits[name]["ids"] = np.array([f"v{i}/{i}" for i in range(n)])
        splits[name]["audio_lengths"] = np.arange(n) % 7
    return splits


def save(path: Path, splits: Splits) -> Path:
    np.savez(path, **flat(splits))
    return path


def save_compressed(path: Path, splits: Splits) -> Path:
    np.savez_compressed(path, **flat(splits))
    return path


WRITERS: dict[str, Callable[[Path, Splits], Path]] = {
    "npz": lambda folder, splits: save(folder / "field.npz", splits),
    "compressed npz": lambda folder, splits: save_compressed(folder / "field.npz", splits),
    "npy": lambda folder, splits: write_npy(folder / "field", splits),
    "npy by split": lambda folder, splits: write_npy(folder / "field", splits, nested=True),
}


@pytest.mark.parametrize("chunk_bytes", [0, numpy_arrays.CHUNK_BYTES], ids=["in pieces", "whole"])
@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_form_says_what_the_pickle_says(
    tmp_path: Path, form: str, chunk_bytes: int, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_arrays, "CHUNK_BYTES", chunk_bytes)
    splits = full_splits()
    for found in splits.values():
        found["text"] = np.asarray(found["text"], dtype=">f8", order=order)
        found["text"][1:2] = 0
    expected = read_data_file(write_pickle(tmp_path / "field.pkl", splits))
    found = read_data_file(WRITERS[form](tmp_path, splits))
    assert found.layout == form.split()[-1] if "npz" in form else found.layout == "npy"
    assert in_memory(found) == in_memory(expected)
    np.testing.assert_array_equal(found.splits["test"].lengths[Modality.AUDIO], np.arange(5) % 7)


def in_memory(data: ImportedData) -> str:
    return fingerprint(data.task, data.splits)


def test_slices_of_an_array_in_an_archive_are_read_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_arrays, "CHUNK_BYTES", 0)
    splits = full_splits()
    text = read_data_file(save_compressed(tmp_path / "f.npz", splits)).splits["train"].features[Modality.TEXT]
    for start, stop in [(0, 1), (0, 3), (5, 8), (2, 3), (3, 3), (7, 99)]:
        np.testing.assert_array_equal(text[start:stop], splits["train"]["text"][start:stop])


@pytest.mark.parametrize("form", WRITERS)
def test_numbers_are_ids_too_and_no_ids_are_made_up(tmp_path: Path, form: str) -> None:
    splits = full_splits()
    for name, n in SIZES.items():
        splits[name]["ids"] = np.arange(100, 100 + n)
        del splits[name]["audio_lengths"]
    assert read_data_file(WRITERS[form](tmp_path, splits)).splits["valid"].ids[1] == "101"
    made_up = read_data_file(save(tmp_path / "other.npz", plain_splits()))
    assert made_up.splits["valid"].ids[1] == "valid-1"
    assert next(row.note for row in made_up.array_roles if row.roles == ("ids",)) == "made up: train-0 ..."


class Owned:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("owned"),))


@pytest.mark.parametrize("form", WRITERS)
def test_objects_are_refused_and_not_unpickled(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    splits = full_splits()
    splits["valid"]["ids"] = np.array([Owned()] * 4, dtype=object)
    path = WRITERS[form](tmp_path, splits)
    with pytest.raises(UserError, match=r"valid.ids\.npy: .*fixed width"):
        read_data_file(path)
    assert not (tmp_path / "owned").exists()


def test_what_is_not_of_a_split_is_left_out_and_said(tmp_path: Path) -> None:
    arrays = flat(full_splits()) | {"readme": np.array("words"), "train_raw": np.zeros(8)}
    np.savez(tmp_path / "f.npz", **arrays)
    rows = {row.key: row for row in read_data_file(tmp_path / "f.npz").array_roles if not row.roles}
    assert set(rows) == {"readme", "raw"}
    folder = write_npy(tmp_path / "folder", full_splits())
    (folder / "notes.txt").write_text("words")
    assert [row.key for row in read_data_file(folder).array_roles if not row.roles] == ["notes.txt"]


def test_dev_is_another_name_of_valid(tmp_path: Path) -> None:
    splits = full_splits()
    splits["dev"] = splits.pop("valid")
    assert len(read_data_file(save(tmp_path / "f.npz", splits)).splits["valid"]) == 4
    assert len(read_data_file(write_npy(tmp_path / "f", splits, nested=True)).splits["valid"]) == 4


def without(split: str, key: str) -> Splits:
    splits = full_splits()
    del splits[split][key]
    return splits


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (without("test", "vision"), r"test: key 'vision' is missing; found: (text, )?audio, "),
        (without("valid", "audio_lengths"), r"audio_lengths: given for train, test only"),
        ({"train": full_splits()["train"]}, r"split 'valid' is missing; found: train_"),
        ({}, r"split 'train' is missing; found: no array"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, form: str, splits: Splits, message: str) -> None:
    (tmp_path / "field").mkdir()
    with pytest.raises(UserError, match=message):
        read_data_file(WRITERS[form](tmp_path, splits))


def damaged_archive(tmp_path: Path, change: Callable[[bytearray], None]) -> Path:
    path = save(tmp_path / "field.npz", full_splits())
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def flip_text(data: bytearray) -> None:
    data[400] ^= 1  # in the numbers of train_text, whose checksum then differs


@pytest.mark.parametrize("chunk_bytes", [0, numpy_arrays.CHUNK_BYTES])
@pytest.mark.parametrize(
    "change",
    [flip_text, lambda d: d.__delitem__(slice(2000, None)), lambda d: d.__delitem__(slice(1000, 1100))],
)
def test_a_damaged_archive_is_an_error_to_the_user(
    tmp_path: Path, change: Callable[[bytearray], None], chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_arrays, "CHUNK_BYTES", chunk_bytes)
    with pytest.raises(UserError, match=r"field\.npz"):
        read_data_file(damaged_archive(tmp_path, change))


def test_an_array_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    header = (
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 50, 300)}"
    )
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("train_text.npy", header.ljust(127) + b"\n" + b"abcd")
    with pytest.raises(
        UserError, match=r"f\.npz: train_text\.npy: .*need 60000000000000 bytes, and there are 4"
    ):
        read_data_file(tmp_path / "f.npz")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "train_text.npy").write_bytes(header.ljust(127) + b"\n" + b"abcd")
    with pytest.raises(UserError, match=r"train_text\.npy: cannot be read as an array"):
        read_data_file(tmp_path / "folder")
