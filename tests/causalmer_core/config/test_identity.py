"""An identity outlives new options and moved files, and nothing that matters is outside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import create_model

from causalmer_core.basics.validation import Frozen
from causalmer_core.config.backbone_config import BUILT_IN, BackboneConfig
from causalmer_core.config.identity import WITHOUT_EFFECT, config_id, identity
from causalmer_core.config.run_config import ModelConfig, RunConfig
from causalmer_core.models.albert_files import weights_digest

PINNED = json.loads((Path(__file__).parent / "pinned_defaults.json").read_text(encoding="utf-8"))
PRETRAINED_BRANCH = {"path": "here", "weights_sha256": "a" * 64}
PRETRAINED = {"model.text_branch.path": "here", "model.text_branch.weights_sha256": "a" * 64}


def test_defaults_never_change_because_identities_leave_them_out() -> None:
    """A new option is added to the file with its default; a line that is there stays as it is for ever."""
    config = RunConfig()
    assert {path: config.value(path) for path in PINNED["defaults"]} == PINNED["defaults"]


def test_the_defaults_of_every_backbone_never_change_either() -> None:
    for name, pinned in PINNED["backbones"].items():
        found = BUILT_IN[name]().model_dump(mode="json")
        assert {key: found[key] for key in pinned} == pinned, name
    assert set(PINNED["backbones"]) | {"mult"} == set(BUILT_IN)


def test_the_pinned_configurations_keep_their_identities() -> None:
    for values, known in PINNED["identities"]:
        assert config_id(RunConfig().with_values(values)) == known, values


def test_a_pretrained_albert_is_known_by_its_weights_and_not_by_its_place() -> None:
    here = RunConfig().with_values(PRETRAINED)
    assert config_id(here.with_values({"model.text_branch.path": "there"})) == config_id(here)
    assert config_id(here.with_values({"model.text_branch.weights_sha256": "b" * 64})) != config_id(here)


def test_without_the_digest_of_its_weights_a_pretrained_albert_is_known_by_its_place() -> None:
    here, there = (RunConfig().with_values({"model.text_branch.path": path}) for path in ("here", "there"))
    assert config_id(here) != config_id(there)


@pytest.mark.parametrize("name", ["hidden_size", "num_layers", "max_positions"])
def test_the_sizes_of_a_fresh_albert_do_not_matter_beside_a_pretrained_one(name: str) -> None:
    path = f"model.text_branch.{name}"
    config = RunConfig().with_values(PRETRAINED)
    assert config_id(config.with_values({path: 1200})) == config_id(config)
    assert config_id(RunConfig().with_values({path: 1200})) != config_id(RunConfig())


def test_whether_a_pretrained_albert_is_frozen_matters() -> None:
    config = RunConfig().with_values(PRETRAINED)
    assert config_id(config.with_values({"model.text_branch.frozen": True})) != config_id(config)


def test_the_digest_of_weights_follows_both_files(tmp_path: Path) -> None:
    digests = set()
    for name, text in (
        ("config.json", "1"),
        ("model.safetensors", "2"),
        ("config.json", "3"),
        ("model.safetensors", "4"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        if (tmp_path / "model.safetensors").exists():
            digests.add(weights_digest(str(tmp_path)))
    assert len(digests) == 3


class _Nested(Frozen):
    rate: float = 0.5


def own(kind: type[Any], default: Any, **given: Any) -> RunConfig:
    """A configuration with a backbone of another package, whose option `option` has this default."""
    name: Any = (Literal["own"], "own")
    config_type: Any = create_model("OwnConfig", __base__=BackboneConfig, name=name, option=(kind, default))
    return RunConfig(model=ModelConfig(backbone=config_type(**given)))


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (int, 32, 64),
        (float | None, None, 0.1),
        (dict[str, dict[str, int]], {}, {"text": {}}),
        (_Nested, _Nested(), _Nested(rate=0.6)),
    ],
)
def test_another_default_in_a_backbone_of_another_package_is_another_configuration(
    kind: type[Any], before: Any, after: Any
) -> None:
    """The configuration once shared its identity with runs of the old default, and reused them."""
    assert config_id(own(kind, before)) != config_id(own(kind, after))
    assert config_id(own(kind, before)) == config_id(own(kind, before))


def test_an_option_of_another_package_counts_the_same_whether_given_or_by_default() -> None:
    assert config_id(own(int, 32)) == config_id(own(int, 64, option=32))


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "model.debiasing": st.sampled_from(list(WITHOUT_EFFECT)),
        "model.fusion": st.sampled_from(["sum", "hm", "tanh", "mask"]),
        "model.backbone": st.sampled_from([{"name": name} for name in BUILT_IN] + [{"layers": 2}]),
        "model.text_branch": st.sampled_from([{"name": "transformer"}, {"frozen": True}, PRETRAINED_BRANCH]),
        "model.debiasing_weights.text": st.sampled_from([0, 1, 1.0, 2]),
        "loss.alpha": st.sampled_from([0.1, 0.2]),
        "loss.beta": st.sampled_from([1, 2]),
        "optimiser.learning_rates.audio": st.sampled_from([2e-3, 1e-3]),
        "optimiser.learning_rates.constants": st.sampled_from([2e-3, 1e-3]),
        "data.fingerprint": st.sampled_from(["", "a" * 64]),
        "trainer.max_epochs": st.sampled_from([50, 3]),
    },
)


@given(VALUES, VALUES)
@example({}, {"loss.alpha": 0.1})
@example({"model.debiasing": "none"}, {"model.debiasing": "none", "model.fusion": "hm", "loss.beta": 2})
def test_two_configurations_share_an_identity_exactly_where_nothing_that_matters_differs(
    one: dict[str, object], other: dict[str, object]
) -> None:
    left, right = (RunConfig().with_values(values) for values in (one, other))
    assert (config_id(left) == config_id(right)) is (identity(left) == identity(right))
