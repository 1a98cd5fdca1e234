"""Checkpoints: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from causalmer_core.basics.errors import UserError
from causalmer_core.training.checkpoint import load_tensors, save_tensors

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


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"\xff" * 64, b"PK\x03\x04", b"\x80\x04N."])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_tensors(path)


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_tensors(tmp_path)


def test_a_half_written_checkpoint_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in (".last.safetensors.1.tmp", ".anothers.tmp", ".best.safetensors.1.tmp"):
        (tmp_path / name).write_bytes(b"half")
    save_tensors(tmp_path / "last.safetensors", TENSORS, {})
    kept = sorted(p.name for p in tmp_path.iterdir())
    assert kept == [".anothers.tmp", ".best.safetensors.1.tmp", "last.safetensors"]
