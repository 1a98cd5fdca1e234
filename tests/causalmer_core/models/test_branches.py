"""The unimodal branches: shapes, batches, frozen and local ALBERTs, and errors that a user can mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AlbertConfig, AlbertModel, BertConfig
from transformers.utils import logging

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import (
    AlbertBranchConfig,
    ResNet18BranchConfig,
    SmallConvBranchConfig,
    TransformerBranchConfig,
)
from causalmer_core.models.branches import build_image_branch, build_text_branch
from causalmer_core.models.published_branches import AlbertBranch

WIDTH, OUTPUTS = 5, 4
TINY_ALBERT = AlbertBranchConfig(
    embedding_size=8,
    hidden_size=12,
    num_layers=2,
    num_heads=2,
    intermediate_size=16,
    vocab_size=7,
    max_positions=20,
)
VARIANTS = {
    "albert": TINY_ALBERT,
    "albert_frozen": TINY_ALBERT.model_copy(update={"frozen": True}),
    "transformer": TransformerBranchConfig(hidden_dim=8, num_heads=2),
    "resnet18": ResNet18BranchConfig(),
    "small_conv": SmallConvBranchConfig(hidden_dim=6),
}
EVERY = pytest.mark.parametrize("name", VARIANTS)


def branch(name: str, *, length: int = 9) -> nn.Module:
    torch.manual_seed(0)
    config = VARIANTS[name]
    if isinstance(config, AlbertBranchConfig | TransformerBranchConfig):
        return build_text_branch(config, width=WIDTH, length=length, num_outputs=OUTPUTS)
    return build_image_branch(config, width=WIDTH, num_outputs=OUTPUTS)


def features(samples: int = 4, length: int = 9) -> torch.Tensor:
    return torch.randn(samples, length, WIDTH, generator=torch.Generator().manual_seed(1))


@EVERY
@pytest.mark.parametrize("length", [2, 9, 20])
def test_a_sequence_of_any_length_becomes_logits(name: str, length: int) -> None:
    logits = branch(name, length=length).eval()(features(length=length))
    assert logits.shape == (4, OUTPUTS)
    assert logits.isfinite().all()


@EVERY
def test_in_evaluation_a_sample_does_not_depend_on_the_others_in_its_batch(name: str) -> None:
    model = branch(name)
    model(features())  # so that running statistics are not at their start
    model.eval()
    x = features()
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-4, atol=1e-5)
    assert torch.equal(model(x), model(x))


@EVERY
def test_a_removed_modality_gives_finite_logits_in_training_and_in_evaluation(name: str) -> None:
    model = branch(name)
    nothing = torch.zeros_like(features())
    assert model(nothing).isfinite().all()
    assert model.eval()(nothing).isfinite().all()


@EVERY
def test_gradient_reaches_every_trainable_parameter(name: str) -> None:
    model = branch(name)
    model(features(samples=8)).square().sum().backward()
    trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert trainable
    # a bias of attention's keys shifts all of one query's scores alike: its true gradient is 0
    silent = [n for n, p in trainable.items() if p.grad is None or not p.grad.any()]
    assert [n for n in silent if not n.endswith("key.bias")] == []


def test_the_word_embeddings_of_albert_are_not_trained() -> None:
    model = branch("albert")
    fixed = [n for n, p in model.named_parameters() if not p.requires_grad]
    assert fixed == ["albert.embeddings.word_embeddings.weight"]


def test_a_frozen_albert_keeps_still_while_projection_and_head_move() -> None:
    model = branch("albert_frozen")
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimiser = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.1)
    model.train()(features()).square().sum().backward()
    optimiser.step()
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"projection.weight", "projection.bias", "head.weight", "head.bias"}


def test_a_frozen_albert_stays_in_evaluation_mode_while_its_branch_trains() -> None:
    config = TINY_ALBERT.model_copy(update={"frozen": True, "dropout": 0.5})
    model = build_text_branch(config, width=WIDTH, length=9, num_outputs=OUTPUTS).train()
    assert torch.equal(model(features()), model(features()))
    thawed = build_text_branch(
        config.model_copy(update={"frozen": False}), width=WIDTH, length=9, num_outputs=OUTPUTS
    ).train()
    assert not torch.equal(thawed(features()), thawed(features()))


def test_more_steps_than_albert_has_positions_are_refused() -> None:
    with pytest.raises(UserError, match="ALBERT has 20 positions, the data 21 text steps"):
        branch("albert", length=21)


def saved_albert(folder: Path, dtype: torch.dtype = torch.float32) -> AlbertModel:
    """An ALBERT in a folder, as `save_pretrained` writes it, pooler included."""
    config = AlbertConfig(
        vocab_size=7,
        embedding_size=8,
        hidden_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20,
    )
    model = AlbertModel(config).to(dtype)
    showed = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    if showed:
        logging.enable_progress_bar()
    return model


def loaded(folder: Path, *, frozen: bool = False) -> AlbertBranch:
    config = AlbertBranchConfig(path=str(folder), frozen=frozen)
    return AlbertBranch(config, width=WIDTH, length=9, num_outputs=OUTPUTS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_local_albert_is_loaded_in_float32_whatever_it_was_saved_in(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    saved = saved_albert(tmp_path, dtype).state_dict()
    model = loaded(tmp_path)
    for name, parameter in model.albert.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, saved[name].float())
    assert model(features()).shape == (4, OUTPUTS)


def test_a_local_albert_is_loaded_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    saved_albert(tmp_path)
    capfd.readouterr()
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    loaded(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_frozen_local_albert_is_frozen(tmp_path: Path) -> None:
    saved_albert(tmp_path)
    assert not any(p.requires_grad for p in loaded(tmp_path, frozen=True).albert.parameters())


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        loaded(folder)
    message = str(error.value)
    assert message.startswith("model.text_branch.path: ")
    assert str(folder) in message
    assert "allowed: a local folder with config.json and model.safetensors" in message
    return message


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "config.json" in refusal(tmp_path / "nowhere")


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    for content in (b"{", b"\xff", b"[]"):
        (tmp_path / "config.json").write_bytes(content)
        refusal(tmp_path)


def test_another_model_is_refused(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    assert "a model of type 'bert'" in refusal(tmp_path)


def test_missing_and_damaged_weights_are_refused(tmp_path: Path) -> None:
    saved_albert(tmp_path)
    weights = tmp_path / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    assert "no readable weights" in refusal(tmp_path)
    weights.unlink()
    assert "no readable weights" in refusal(tmp_path)


def test_weights_of_other_shapes_or_with_parts_missing_are_refused(tmp_path: Path) -> None:
    saved_albert(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"hidden_size": 16}))
    refusal(tmp_path)
    path.write_text(json.dumps(config | {"num_hidden_groups": 2, "num_hidden_layers": 2}))
    assert "albert_layer_groups.1" in refusal(tmp_path)
