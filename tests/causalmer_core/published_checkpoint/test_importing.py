"""A checkpoint that torch.save wrote becomes a model of ours that computes the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import published_standins as standins
import pytest
import torch
from tiny_data import tiny_config, tiny_data
from torch import Tensor

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.base import FeatureStatistics, Split, TrainingData
from causalmer_core.debiasing.cached_logits import PREDICTION_KINDS, evaluate_predictions, predictions
from causalmer_core.measures.ablation import NO_ABLATION
from causalmer_core.models.causalmer import CausalMER
from causalmer_core.published_checkpoint.imported import load_checkpoint
from causalmer_core.published_checkpoint.importing import (
    ImportedModel,
    import_published,
    understand_published,
)
from causalmer_core.published_checkpoint.settings import Given
from causalmer_core.training.checkpoint import load_tensors
from causalmer_core.training.trainer import Trainer

TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}
LENGTHS = (7, 40, 33)
STATE_DICT = Given(num_heads=2, albert_layers=3, albert_heads=4)
"""What a state dict of the stand-in does not say and the published defaults get wrong."""


@pytest.fixture(scope="module")
def original() -> standins.CAUSALMER:
    return standins.published_model()


@pytest.fixture(scope="module")
def inputs() -> list[Tensor]:
    rng = np.random.default_rng(5)
    shapes = zip(LENGTHS, standins.WIDTHS.values(), strict=True)
    tensors = [torch.from_numpy(rng.standard_normal((3, *shape)).astype(np.float32)) for shape in shapes]
    tensors[1][0], tensors[2][1, -4:] = 0, 0  # a missing modality, and padding
    return tensors


@pytest.fixture(scope="module")
def whole_module(
    original: standins.CAUSALMER, inputs: list[Tensor], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("published") / "iemocap_MULT.pt"
    with torch.no_grad():
        original(*inputs)  # a used model: its position tables are in plain attributes
    standins.save(original, path)
    return path


@pytest.fixture(scope="module")
def imported(whole_module: Path) -> ImportedModel:
    return understand_published(whole_module)


def check_equal(original: Any, model: Any, inputs: list[Tensor]) -> None:
    assert isinstance(model, CausalMER)
    with torch.no_grad():
        expected = original(*inputs)
        found = predictions(model, model(Batch(*inputs, labels=torch.zeros(3))).logits)
    assert set(found) == set(expected) == set(PREDICTION_KINDS)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], **TOLERANCE, err_msg=name)


def test_a_whole_module_computes_what_the_original_does(
    original: standins.CAUSALMER, imported: ImportedModel, inputs: list[Tensor]
) -> None:
    check_equal(original, imported.model, inputs)
    assert "src" not in sys.modules
    assert "torchvision" not in sys.modules


def test_the_configuration_is_read_off_shapes_and_attributes(imported: ImportedModel) -> None:
    mult = imported.config.model.backbone
    assert (mult.hidden_dim, mult.layers, mult.memory_layers, mult.num_heads) == (8, 2, 3, 2)
    assert (mult.kernel_text, mult.kernel_audio) == (1, 3)
    text = imported.config.model.text_branch.model_dump()
    assert {name: text[name] for name in ("embedding_size", "hidden_size", "intermediate_size")} == {
        "embedding_size": 12,
        "hidden_size": 32,
        "intermediate_size": 40,
    }
    assert (text["vocab_size"], text["max_positions"], text["num_layers"], text["num_heads"]) == (
        11,
        16,
        3,
        4,
    )
    assert imported.record.widths == {Modality.TEXT: 6, Modality.AUDIO: 5, Modality.VISION: 8}
    assert imported.record.task.labels == ("neutral", "happy", "sad", "angry")
    assert imported.constants == pytest.approx((0.1, -0.2, 0.3))
    assert imported.config.loss.kl_axis == "flat"
    assert imported.config.data.standardise == "never"
    assert {s.name: s.source for s in imported.record.settings} == {
        "fusion": "in the file",
        "num_heads": "in the file",
        "attn_mask": "in the file",
        "albert_layers": "in the file",
        "albert_heads": "in the file",
        "labels": "assumed",
        "standardise": "assumed",
    }
    assert "tav_branch.proj_v.weight" in imported.unread, "vision is as wide as the model"
    assert "t_branch.model.pooler.weight" in imported.unread


def test_what_is_written_is_loaded_as_the_same_model(
    original: standins.CAUSALMER, whole_module: Path, inputs: list[Tensor], tmp_path: Path
) -> None:
    import_published(whole_module, tmp_path / "mine")
    trained = load_checkpoint(tmp_path / "mine", data_for(inputs))
    check_equal(original, trained.model.eval(), inputs)
    _, metadata = load_tensors(tmp_path / "mine" / "best.safetensors")
    assert metadata["imported"]["source_file"] == "iemocap_MULT.pt"
    assert (tmp_path / "mine" / "config.json").is_file()
    with pytest.raises(UserError, match="holds a checkpoint already; give another --out, or --force"):
        import_published(whole_module, tmp_path / "mine")
    for data, reason in {
        "labels": (data_for(inputs, labels=("a", "b", "c", "d")), "import it again with --labels a,b,c,d"),
        "task": (data_for(inputs, kind=TaskKind.CLASSES), "a model for emotions with 8 outputs"),
        "widths": (data_for([inputs[1], inputs[1], inputs[2]]), "a model for 6 text features a step"),
    }.values():
        with pytest.raises(UserError, match=reason):
            load_checkpoint(tmp_path / "mine", data)


def data_for(
    inputs: list[Tensor],
    *,
    labels: tuple[str, ...] = ("neutral", "happy", "sad", "angry"),
    kind: TaskKind = TaskKind.EMOTIONS,
) -> TrainingData:
    features = {m: x.numpy() for m, x in zip(MODALITIES, inputs, strict=True)}
    split = Split(features=features, labels=np.zeros((3, len(labels)), np.int64), ids=("a", "b", "c"))
    statistics = {
        m: FeatureStatistics(np.zeros(x.shape[2], np.float32), np.ones(x.shape[2], np.float32))
        for m, x in features.items()
    }
    return TrainingData(
        name="d",
        task=Task(kind=kind, labels=labels),
        fingerprint="",
        train=split,
        valid=split,
        statistics=statistics,
    )


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in DataParallel"])
def test_a_state_dict_computes_the_same_with_what_it_does_not_say(
    original: standins.CAUSALMER, inputs: list[Tensor], tmp_path: Path, wrapped: bool
) -> None:
    state = original.state_dict()
    if wrapped:
        state = {f"module.{name}": tensor for name, tensor in state.items()}
    standins.save(state, tmp_path / "state.pt")
    found = understand_published(tmp_path / "state.pt", STATE_DICT)
    check_equal(original, found.model, inputs)
    assert {s.source for s in found.record.settings if s.name in ("num_heads", "albert_heads")} == {"given"}


def changed(original: standins.CAUSALMER, change: Callable[[dict[str, Tensor]], object]) -> dict[str, Tensor]:
    state = dict(original.state_dict())
    change(state)
    return state


MISFITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a missing tensor": (
        lambda s: s.pop("a_branch.a_branch.layer2.0.bn1.weight"),
        r"missing: a_branch\.a_branch\.layer2\.0\.bn1\.weight; not known: none",
    ),
    "a missing constant": (lambda s: s.pop("constant_a"), "missing: constant_a"),
    "an unknown tensor": (
        lambda s: s.update({"tav_branch.extra": torch.zeros(2)}),
        r"not known: tav_branch\.extra",
    ),
    "a wrong shape": (
        lambda s: s.update({"v_branch.v_branch.fc.bias": torch.zeros(7)}),
        r"v_branch\.v_branch\.fc\.bias has shape \(7,\)",
    ),
    "constants of a wrong shape": (
        lambda s: s.update({f"constant_{k}": torch.zeros(2) for k in "tav"}),
        r"constant_t has shape \(2,\)",
    ),
    "whole numbers": (
        lambda s: s.update({"v_branch.v_branch.fc.bias": torch.zeros(8, dtype=torch.int64)}),
        r"of torch\.int64; the other tensors call for \(8,\) of torch\.float32",
    ),
    "values that are not finite": (
        lambda s: s.update({"t_branch.text_mlp.bias": torch.full((8,), torch.nan)}),
        r"t_branch\.text_mlp\.bias has values that are NaN",
    ),
    "shapes of a model of 40 GB": (
        lambda s: s.update(
            {
                "tav_branch.proj_l.weight": torch.zeros(8, 10**5, 1),
                "t_branch.model.embeddings.word_embeddings.weight": torch.zeros(1, 10**5),
            }
        ),
        r"the other tensors call for \(100000, 100000\)",
    ),
    "nothing to begin with": (lambda s: s.clear(), r"no tensor tav_branch\.out_layer\.weight"),
    "one target only": (
        lambda s: s.update({"tav_branch.out_layer.weight": torch.zeros(8, 16)}),
        "allowed are models with all three targets",
    ),
    "several layers of ALBERT": (
        lambda s: s.update(
            {"t_branch.model.encoder.albert_layer_groups.1.albert_layers.0.x": torch.zeros(1)}
        ),
        "2 distinct layers of ALBERT",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_tensors_that_make_no_model_are_refused_by_name(
    original: standins.CAUSALMER, tmp_path: Path, name: str
) -> None:
    change, reason = MISFITS[name]
    torch.save(changed(original, change), tmp_path / "state.pt")
    with pytest.raises(UserError, match=rf"state\.pt: .*{reason}"):
        understand_published(tmp_path / "state.pt", STATE_DICT)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given(num_heads=2), r"hidden size 32 is no multiple of 64; give --albert-heads"),
        (Given(albert_heads=4), "num_heads 10 does not divide hidden_dim 8.*--num-heads"),
        (Given(num_heads=2, albert_heads=5), "num_heads 5 does not divide hidden_size 32"),
        (Given(num_heads=2, albert_heads=4, albert_layers=10**9), "allowed: 1 to 128"),
        (Given(num_heads=2, albert_heads=4, labels=("a", "b")), "names 2 .* 8 outputs"),
        (Given(num_heads=2, albert_heads=4, labels=("a", "a", "b", "c")), "--labels: .*repeat"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    original: standins.CAUSALMER, tmp_path: Path, given: Given, reason: str
) -> None:
    light = {
        n: t for n, t in original.state_dict().items() if not n.startswith(("a_branch", "v_branch"))
    }  # refused before the image branches are looked at
    torch.save(light, tmp_path / "state.pt")
    with pytest.raises(UserError, match=reason):
        understand_published(tmp_path / "state.pt", given)


def test_the_weights_of_a_run_are_loaded_too_and_refused_for_other_data(tmp_path: Path) -> None:
    data = tiny_data(TaskKind.CLASSES)
    trainer = Trainer(tiny_config(TaskKind.CLASSES), data, seed=3, device=torch.device("cpu"))
    trainer.save_weights(tmp_path / "run.safetensors")
    trained = load_checkpoint(tmp_path / "run.safetensors", data)
    assert trained.seed == 3
    assert set(evaluate_predictions(trained, data.valid, NO_ABLATION)) == set(PREDICTION_KINDS)
    with pytest.raises(UserError, match=r"run\.safetensors: its weights do not fit data set 'tiny'"):
        load_checkpoint(tmp_path / "run.safetensors", tiny_data(TaskKind.EMOTIONS))
    content = (tmp_path / "run.safetensors").read_bytes()
    (tmp_path / "run.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 0x40]))
    with pytest.raises(
        DamagedFileError, match="do not match its digest; import the checkpoint again, or train"
    ):
        load_checkpoint(tmp_path / "run.safetensors", data)


def test_a_model_without_effects_is_refused_by_its_debiasing(tmp_path: Path) -> None:
    data = tiny_data(TaskKind.CLASSES)
    config = tiny_config(TaskKind.CLASSES, model__debiasing="none")
    Trainer(config, data, seed=0, device=torch.device("cpu")).save_weights(tmp_path / "run.safetensors")
    with pytest.raises(UserError, match=r"model\.debiasing is 'none'; allowed: 'counterfactual'"):
        evaluate_predictions(load_checkpoint(tmp_path / "run.safetensors", data), data.valid, NO_ABLATION)
