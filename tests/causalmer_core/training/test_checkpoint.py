"""Checkpoints: written whole or not at all, and read as they were written or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.training.checkpoint import FORMAT, load_tensors, save_tensors

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7), "c": torch.zeros(0, 2)}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.safetensors"
    save_tensors(path, TENSORS, {"epoch": 3, "best": float("-inf"), "rate": 0.1 + 0.2})
    tensors, metadata = load_tensors(path)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[n], t) and tensors[n].dtype == t.dtype for n, t in TENSORS.items())
    assert {k: metadata[k] for k in ("epoch", "best", "rate")} == {
        "epoch": 3,
        "best": float("-inf"),
        "rate": 0.1 + 0.2,
    }


def test_views_and_gradients_are_saved_by_their_values(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    base = torch.arange(6.0, requires_grad=True)
    save_tensors(path, {"even": base[::2], "t": base.reshape(2, 3).T}, {})
    tensors, _ = load_tensors(path)
    assert tensors["even"].tolist() == [0, 2, 4]
    assert tensors["t"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_new_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for epoch in (1, 2):
        save_tensors(path, TENSORS, {"epoch": epoch})
    assert load_tensors(path)[1]["epoch"] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {"epoch": 1})
    with pytest.raises(TypeError):
        save_tensors(path, TENSORS, {"epoch": object()})
    assert load_tensors(path)[1]["epoch"] == 1


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"causalmer": "{"}, {"causalmer": json.dumps({"format": 99})}, {"causalmer": "[]"}],
)
def test_a_foreign_file_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "x.safetensors"
    save_file(dict(TENSORS), path, metadata)
    with pytest.raises(UserError, match=r"x\.safetensors"):
        load_tensors(path)


@pytest.mark.parametrize(
    "content",
    [b"\x00" * 7, b"\xff" * 64, b"PK\x03\x04", b"\x80\x04N.", b"some text\n" * 9, b"\x02\0\0\0\0\0\0\0[]"],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"x\.safetensors is damaged: it is not a readable checkpoint"):
        load_tensors(path)


def test_a_folder_an_empty_file_and_a_missing_one_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, what in {
        tmp_path: r"not a readable checkpoint \(a folder\)",
        tmp_path / "empty": "it is empty",
        tmp_path / "missing": "it is missing",
        tmp_path / "empty" / "below": "it is missing",
    }.items():
        with pytest.raises(DamagedFileError, match=f"{what}; train it again"):
            load_tensors(path, remedy="train it again")


def test_a_flipped_bit_in_any_byte_is_found(tmp_path: Path) -> None:
    """In the header, in the plain values, in the digest and in the tensors."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {"epoch": 3, "best": 1e-05, "text": 'a "quoted" ÿ'})
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 5):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError):
            load_tensors(path)


def test_a_file_that_was_cut_or_doubled_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {"epoch": 3})
    content = path.read_bytes()
    for size in range(len(content)):
        for damaged in (content[:size], content + content[size:]):
            path.write_bytes(damaged)
            with pytest.raises(DamagedFileError):
                load_tensors(path)


def test_a_file_without_its_digest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file(dict(TENSORS), path, {"causalmer": json.dumps({"format": FORMAT})})
    with pytest.raises(DamagedFileError, match=r"its digest \(key 'sha256'\) is missing"):
        load_tensors(path)


def test_a_file_of_a_newer_version_is_told_from_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {"format": FORMAT + 1})
    with pytest.raises(UserError, match=f"format {FORMAT + 1} was written by a newer causalmer") as error:
        load_tensors(path)
    assert not isinstance(error.value, DamagedFileError)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match="its bytes do not match its digest"):
        load_tensors(path)


def test_a_file_of_format_1_is_read_and_wherever_it_is_damaged_the_error_is_the_users(tmp_path: Path) -> None:
    """It has no digest, so damage to its numbers cannot be found."""
    path = tmp_path / "x.safetensors"
    save_file(dict(TENSORS), path, {"causalmer": json.dumps({"format": 1, "epoch": 3})})
    tensors, metadata = load_tensors(path)
    assert metadata == {"format": 1, "epoch": 3}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in TENSORS.items())
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 5):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with suppress(UserError):
            load_tensors(path)


def test_a_half_written_checkpoint_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in (".last.safetensors.1.tmp", ".anothers.tmp", ".best.safetensors.1.tmp"):
        (tmp_path / name).write_bytes(b"half")
    save_tensors(tmp_path / "last.safetensors", TENSORS, {})
    kept = sorted(p.name for p in tmp_path.iterdir())
    assert kept == [".anothers.tmp", ".best.safetensors.1.tmp", "last.safetensors"]
