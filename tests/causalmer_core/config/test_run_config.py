"""A configuration's identity: what must change it, what must not; and how values are merged in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from causalmer_core.config.backbone_config import MulTConfig
from causalmer_core.config.identity import WITHOUT_EFFECT, config_id, identity
from causalmer_core.config.run_config import RunConfig, merged

PUBLISHED = RunConfig()
ALTERNATIVES: dict[str, Any] = {
    "data.standardise": "never",
    "model.backbone.hidden_dim": 80,
    "model.backbone.num_heads": 5,
    "model.backbone.memory_layers": 4,
    "model.debiasing": "none",
    "model.fusion": "sum",
    "model.fusion_form": "published",
    "model.constants": "learned",
    "trainer.plateau_by": "loss",
    "trainer.precision": "bf16",
    "model.text_branch.path": "albert",
    "model.text_branch.weights_sha256": "0" * 64,
    "model.text_branch.hidden_size": 384,
    "model.text_branch.num_heads": 6,
    "loss.kl_axis": "flat",
    "trainer.early_stopping": 5,
    "trainer.monitor": "weighted_f1",
    "data.fingerprint": "0" * 64,
    "data.split": {"folds": 5},
}
SMALL = RunConfig().with_values(
    {
        "model.text_branch": {"name": "transformer"},
        "model.audio_branch": {"name": "small_conv"},
        "model.vision_branch": {"name": "small_conv"},
    }
)
VARIANT_NAMES = {
    "model.backbone.name",
    "model.text_branch.name",
    "model.audio_branch.name",
    "model.vision_branch.name",
}


def leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def changed(path: str, value: Any) -> Any:
    """Another allowed value for a leaf."""
    if path in ALTERNATIVES:
        return ALTERNATIVES[path]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, float), f"{path}: this test needs another value for it"
    return value / 2 + 0.01


def paths_of(config: RunConfig) -> list[str]:
    return [path for path, _ in leaves(config.model_dump(mode="json")) if path not in VARIANT_NAMES]


def small_changed(path: str) -> Any:
    return 8 if path.endswith("branch.num_heads") else 64 if path.endswith("hidden_dim") else None


@pytest.mark.parametrize("path", paths_of(PUBLISHED))
def test_every_value_changes_the_identity(path: str) -> None:
    other = PUBLISHED.with_values({path: changed(path, PUBLISHED.value(path))})
    assert other.value(path) != PUBLISHED.value(path)
    assert config_id(other) != config_id(PUBLISHED)


@pytest.mark.parametrize("path", [p for p in paths_of(SMALL) if "_branch." in p])
def test_every_value_of_the_small_branches_changes_the_identity(path: str) -> None:
    value = small_changed(path) or changed(path, SMALL.value(path))
    assert config_id(SMALL.with_values({path: value})) != config_id(SMALL)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("model.text_branch", "transformer"),
        ("model.audio_branch", "small_conv"),
        ("model.vision_branch", "small_conv"),
    ],
)
def test_the_choice_of_a_variant_changes_the_identity(path: str, name: str) -> None:
    assert config_id(PUBLISHED.with_values({path: {"name": name}})) != config_id(PUBLISHED)


@pytest.mark.parametrize("debiasing", WITHOUT_EFFECT)
def test_exactly_the_values_without_effect_leave_the_identity(debiasing: str) -> None:
    config = PUBLISHED.with_values({"model.debiasing": debiasing})
    for path in paths_of(config):
        if path == "model.debiasing":
            continue
        other = config.with_values({path: changed(path, config.value(path))})
        assert other != config
        unread = any(
            path == name or path.startswith(f"{name}.") for name in WITHOUT_EFFECT[config.model.debiasing]
        )
        assert (config_id(other) == config_id(config)) is unread, path


def test_every_way_of_debiasing_has_its_own_identity() -> None:
    configs = [PUBLISHED.with_values({"model.debiasing": name}) for name in WITHOUT_EFFECT]
    assert len({config_id(config) for config in configs}) == len(WITHOUT_EFFECT) == 5


def test_every_path_without_effect_exists() -> None:
    for paths in WITHOUT_EFFECT.values():
        assert all(PUBLISHED.value(path) is not None for path in paths)


def test_the_identity_is_the_whole_configuration_where_there_is_debiasing() -> None:
    assert identity(PUBLISHED) == PUBLISHED.model_dump(mode="json")


def test_how_a_number_is_written_does_not_change_the_identity() -> None:
    whole, decimal = (PUBLISHED.with_values({"loss.beta": value}) for value in (1, 1.0))
    assert config_id(whole) == config_id(decimal) == config_id(PUBLISHED)
    assert config_id(RunConfig.model_validate_json('{"loss": {"alpha": 1e-1}}')) == config_id(PUBLISHED)


def test_the_order_of_values_does_not_change_the_identity() -> None:
    values = {"loss.alpha": 0.3, "model.fusion": "hm", "trainer.max_epochs": 7}
    backwards = dict(reversed(values.items()))
    assert config_id(PUBLISHED.with_values(values)) == config_id(PUBLISHED.with_values(backwards))


def test_the_identity_survives_a_round_trip_through_json() -> None:
    again = RunConfig.model_validate_json(SMALL.model_dump_json())
    assert again == SMALL
    assert config_id(again) == config_id(SMALL)


def test_the_identity_is_the_same_in_a_fresh_process() -> None:
    code = "from causalmer_core.config.identity import *; print(config_id(RunConfig()))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == config_id(PUBLISHED)
    assert len(config_id(PUBLISHED)) == 16


def test_values_are_merged_into_what_stands_there() -> None:
    config = PUBLISHED.with_values({"model.backbone": {"layers": 2}, "model.backbone.num_heads": 4})
    assert config.value("model.backbone.layers") == 2
    assert config.value("model.backbone.num_heads") == 4
    assert config.value("model.backbone.hidden_dim") == 40
    assert PUBLISHED.value("model.backbone.layers") == 5


def test_another_variant_starts_from_its_own_defaults() -> None:
    frozen = PUBLISHED.with_values({"model.text_branch": {"frozen": True}})
    small = frozen.with_values({"model.text_branch.name": "transformer"})
    assert small.value("model.text_branch") == SMALL.value("model.text_branch")
    same = frozen.with_values({"model.text_branch": {"name": "albert", "dropout": 0.1}})
    assert same.value("model.text_branch.frozen") is True


def test_a_variant_and_its_values_may_come_in_any_order() -> None:
    values = {"model.text_branch.layers": 3, "model.text_branch.name": "transformer"}
    for ordered in (values, dict(reversed(values.items()))):
        assert PUBLISHED.with_values(ordered).value("model.text_branch.layers") == 3


def test_merging_changes_neither_of_its_arguments() -> None:
    base, change = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merged(base, change) == {"a": {"b": 1, "c": 2}}
    assert (base, change) == ({"a": {"b": 1}}, {"a": {"c": 2}})


@pytest.mark.parametrize(
    "values",
    [
        {"loss.gamma": 1.0},
        {"model.backbone.name": "lstm"},
        {"model.fusion": "product"},
        {"model.backbone.layers": 2.0},
        {"model.backbone.layers": "2"},
        {"model.backbone.attn_mask": 1},
        {"model.backbone.attn_dropout": 1.0},
        {"model.backbone.num_heads": 7},
        {"model.text_branch.num_heads": 7},
        {"model.text_branch": {"name": "transformer", "num_heads": 5}},
        {"model.text_branch": {"name": "transformer", "frozen": True}},
        {"model.debiasing_weights.text": -0.1},
        {"loss.alpha": float("nan")},
        {"loss.beta": float("inf")},
        {"optimiser.learning_rates.text": 0.0},
        {"trainer.batch_size": 1},
        {"trainer.max_epochs": 0},
        {"loss": 3},
    ],
)
def test_what_is_not_allowed_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PUBLISHED.with_values(values)


def test_a_path_that_does_not_exist_has_no_value() -> None:
    with pytest.raises(KeyError):
        PUBLISHED.value("model.backbone.layers.deeper")
    with pytest.raises(KeyError):
        PUBLISHED.value("model.backbon")


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        PUBLISHED.loss.alpha = 0.5  # type: ignore[misc]
    with pytest.raises(ValidationError):
        MulTConfig(layer=2)  # type: ignore[call-arg]
