"""The reader of published files: tensors by name, or an error to the user; nothing in a file is ever run."""

from __future__ import annotations

import argparse
import builtins
import collections
import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crafted_checkpoints import (
    CRAFTED,
    EIGHT,
    archive,
    megabytes_for,
    read,
    saved,
    small_module,
    storage,
    tensor,
)
from torch import Tensor, nn

from causalmer_core.basics.errors import UserError


def assert_tensors(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        assert torch.equal(found[name], values), name


def test_a_module_gives_the_tensors_of_its_state_dict(tmp_path: Path) -> None:
    module = small_module()
    found = read(tmp_path, saved(module))
    assert_tensors(found.tensors, module.state_dict())
    assert found.form == "whole module torch.nn.modules.container.Sequential"
    wrapped = nn.DataParallel(module)
    assert_tensors(read(tmp_path, saved(wrapped)).tensors, module.state_dict())


def test_a_state_dict_gives_its_tensors(tmp_path: Path) -> None:
    state = small_module().state_dict()
    assert_tensors(read(tmp_path, saved(state)).tensors, state)
    assert_tensors(read(tmp_path, saved(dict(state))).tensors, state)


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = (function, arguments)

    def __reduce__(self) -> Any:
        return self.parts


MALICIOUS = {
    "posix.system": Calls(os.system, "touch owned"),
    "__builtin__.eval": Calls(builtins.eval, "open('owned', 'w')"),
    "__builtin__.getattr": Calls(getattr, Calls(builtins.__import__, "os"), "system"),
    "functools.partial": functools.partial(os.system, "touch owned"),
    "torch.serialization.load": Calls(torch.load, "other.pt"),
    "torch.hub.load_state_dict_from_url": Calls(torch.hub.load_state_dict_from_url, "file:///etc/passwd"),
    "torch._utils._rebuild_sparse_tensor": Calls(torch._utils._rebuild_sparse_tensor, torch.strided, ()),
    "collections.defaultdict": collections.defaultdict(int),
    "numpy.load": Calls(np.load, "x.npy"),
    "torch.nn.functional.relu": Calls(nn.functional.relu, torch.ones(1)),
    "torch.nn.modules.linear.Linear": Calls(nn.Linear, 10**6, 10**6),
}  # fmt: skip


@pytest.mark.parametrize("where", ["root", "attribute", "deep", "parameters", "entry"])
@pytest.mark.parametrize("name", MALICIOUS)
def test_anything_else_is_refused_by_name_and_not_run(
    tmp_path: Path, name: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module, evil = nn.Sequential(nn.Linear(2, 2)), MALICIOUS[name]
    content: Any = module
    if where == "root":
        content = evil
    elif where == "attribute":
        module.evil = evil
    elif where == "deep":
        module[0].options = argparse.Namespace(inner=[{"key": (evil,)}])
    elif where == "parameters":
        module[0]._parameters["weight"] = evil
    else:
        content = {"weight": torch.ones(2), "bias": evil}
    with pytest.raises(
        UserError, match=rf"refused at byte \d+ .*: it (asks for|calls) {name}\..* Nothing of it"
    ):
        read(tmp_path, saved(content))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("src.models", "MULTModel.__init__"),
        ("src.utils", "load_model"),
        ("src", "models"),
        ("srcs.models", "X"),
        ("modules", "System"),
        ("torch.nn.modules", "os"),
        ("torch.nn.modules.module", "os.system"),
        ("torch.nn.functional", "torch.hub.load"),
        ("torch._C._nn", "_parse_to"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("transformers.models.albert.modeling_albert", "torch"),
        ("transformers", "AlbertModel"),
        ("argparse", "ArgumentParser"),
        ("_codecs", "decode"),
        ("copy_reg", "_reconstructor"),
    ],
)
def test_a_name_that_is_not_listed_is_refused(tmp_path: Path, module: str, name: str) -> None:
    texts = b"".join(b"\x8c" + bytes([len(x)]) + x.encode() for x in (module, name))
    with pytest.raises(UserError, match=rf"it asks for {module}\.{name}\."):
        read(tmp_path, archive(b"\x80\x04" + texts + b"\x93."))


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_pickle_is_an_error_to_the_user_and_no_more(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"model\.pt: (refused at byte|its data\.pkl is not a whole pickle)"):
        read(tmp_path, archive(CRAFTED[name], EIGHT))


def test_the_builder_of_crafted_pickles_builds_whole_ones_too(tmp_path: Path) -> None:
    found = read(tmp_path, archive(tensor(storage(), 1, (2, 3), (1, 2)), EIGHT))
    assert found.tensors["w"].tolist() == [[1, 3, 5], [2, 4, 6]]


def test_tensors_that_share_a_storage_too_often_are_refused(tmp_path: Path) -> None:
    content = torch.zeros(10**5)
    assert len(read(tmp_path, saved({"a": content, "b": content})).tensors) == 2
    with pytest.raises(UserError, match="its tensors share storages"):
        read(tmp_path, saved({str(i): content for i in range(50)}))


def test_the_worst_pickles_leave_the_interpreter_alive_in_little_memory(tmp_path: Path) -> None:
    assert megabytes_for([archive(pickled, EIGHT) for pickled in CRAFTED.values()], tmp_path) < 200
