"""A sweep's file becomes a checked, frozen sweep, or one line for each mistake in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import sweeps
from causalmer_core.basics.errors import UserError
from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import FoldsConfig, RunConfig
from sweeps.spec.configurations import undebiased
from sweeps.spec.sweep_spec import SweepSpec, changed_values, load_spec

CONFIGS = sorted((Path(sweeps.__file__).parent / "configs").glob("*.yaml"))

MOSI = """\
name: mosi
data: {name: mosi}
base:
  model: {text_branch: {name: transformer}, audio_branch: {name: small_conv}, vision_branch: {name: small_conv}}
  trainer: {max_epochs: 8, early_stopping: 3}
space:
  model.fusion: {choice: [sum, hm, tanh, mask]}
  loss.alpha: {float: [0.01, 1.0], log: true}
  loss.beta: {float: [0.1, 3.0], log: true, when: {model.fusion: [sum, hm, mask]}}
  model.backbone.layers: {int: [1, 3]}
  model.backbone.attn_dropout: {float: [0.0, 0.4], step: 0.1}
"""


def load(folder: Path, text: str, **overrides: Any) -> SweepSpec:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return load_spec(path, {key.replace("__", "."): value for key, value in overrides.items()})


HEAD = "name: x\ndata: {name: x}\n"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_sweeps_that_come_with_the_package_are_valid(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    assert spec.configurations.paper.data.fingerprint == ""


def test_every_section_but_name_and_data_has_a_default(tmp_path: Path) -> None:
    spec = load(tmp_path, HEAD + "space:\nbase:\n")
    assert (spec.storage, spec.data.root, spec.data.synthetic) == ("causalmer_runs", None, None)
    assert (spec.search.sampler, spec.search.num_configs, spec.search.seed) == ("tpe", 12, 0)
    assert (spec.search.startup, spec.search.max_concurrent, spec.search.paper_first) == (5, 4, True)
    assert (spec.seeds.search, spec.seeds.confirm, spec.seeds.top_k, spec.seeds.first) == (1, 5, 4, 0)
    assert spec.scheduler.model_dump() == {"name": "asha", "grace_epochs": 2, "reduction_factor": 3}
    assert spec.selection.rule == "best_mean"
    assert (spec.resources.cpu, spec.resources.gpu) == (1.0, 0.0)


def test_a_file_without_a_space_is_one_configuration(tmp_path: Path) -> None:
    spec = load(tmp_path, HEAD + "base: {loss: {alpha: 0.5}}\n")
    assert spec.num_configs == 1
    assert spec.space.size() == 1
    assert spec.configurations.of({}) == spec.configurations.base
    assert spec.configurations.base.loss.alpha == 0.5


def test_no_more_configurations_are_counted_than_there_are(tmp_path: Path) -> None:
    text = HEAD + "space: {model.fusion: {choice: [sum, hm, mask]}}\n"
    assert load(tmp_path, text).num_configs == 3
    assert load(tmp_path, text, search__num_configs=2, seeds__top_k=1).num_configs == 2
    assert load(tmp_path, MOSI).num_configs == 12


def test_the_fixed_part_is_merged_into_the_published_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, MOSI).configurations.on("abc").base
    assert config.data.fingerprint == "abc"
    assert config.trainer.max_epochs == 8
    assert config.model.text_branch.name == "transformer"
    assert config.loss == RunConfig().loss
    assert config.model.backbone == RunConfig().model.backbone


def test_a_proposal_goes_on_top_of_the_fixed_part(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI)
    config = spec.configurations.of({"model.fusion": "tanh", "loss.alpha": 0.5})
    assert config == spec.configurations.base.with_values({"model.fusion": "tanh", "loss.alpha": 0.5})


def test_a_variant_and_its_own_fields_can_be_searched_together(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        HEAD
        + "space:\n"
        + "  model.text_branch.hidden_dim: {choice: [8, 16], when: {model.text_branch.name: [transformer]}}\n"
        + "  model.text_branch.name: {choice: [transformer, albert]}\n",
    )
    small = {"model.text_branch.hidden_dim": 8, "model.text_branch.name": "transformer"}
    assert spec.configurations.of(small).value("model.text_branch.hidden_dim") == 8
    assert spec.configurations.of({"model.text_branch.name": "albert"}).model.text_branch.name == "albert"
    assert spec.configurations.paper.model.text_branch == RunConfig().model.text_branch
    assert spec.space.size() == 3


def test_the_paper_default_has_published_values_for_all_that_is_searched(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI, base__loss={"alpha": 0.9}, base__model__backbone={"hidden_dim": 20})
    paper = spec.configurations.paper
    assert paper.loss.alpha == 0.1
    assert paper.model.fusion == "mask"
    assert paper.model.backbone.layers == 5
    assert paper.model.backbone.hidden_dim == 20
    assert paper.trainer.max_epochs == 8


def test_the_paper_default_can_be_adjusted(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI + "paper_default: {model.backbone.layers: 2, loss: {beta: 0.5}}\n")
    paper = spec.configurations.paper
    assert (paper.model.backbone.layers, paper.loss.beta) == (2, 0.5)
    point = spec.space.default_point(paper)
    assert point is not None
    assert spec.configurations.of(point) == paper


def test_the_paper_default_of_a_chosen_variant_is_that_variants_own(tmp_path: Path) -> None:
    text = MOSI + "  model.text_branch.num_heads: {choice: [1, 2]}\n"
    assert load(tmp_path, text).configurations.paper.value("model.text_branch.num_heads") == 4


def test_the_undebiased_contender_differs_in_the_debiasing_alone(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI)
    config = spec.configurations.base
    twin = undebiased(config)
    assert twin.model.debiasing == "none"
    assert twin.with_values({"model.debiasing": "counterfactual"}) == config
    assert config_id(twin) != config_id(config)


def test_the_seed_plan_follows_the_counts(tmp_path: Path) -> None:
    plan = load(tmp_path, MOSI, seeds={"search": 1, "confirm": 3, "first": 5}).seed_plan()
    assert (plan.search, plan.confirm) == ((5,), (6, 7, 8))


def test_every_random_point_of_the_space_gives_a_configuration(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI)
    generator = np.random.default_rng(0)
    for _ in range(30):
        values = spec.space.values(lambda _, entry: entry.at(generator.random()))
        config = spec.configurations.of(values)
        assert {path: config.value(path) for path in values} == values


def test_a_spec_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        load(tmp_path, MOSI).__setattr__("name", "y")


def test_overrides_go_before_the_file(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        MOSI + "search: {num_configs: 20, seed: 3}\n",
        **{
            "search.num_configs": 8,
            "base.trainer.max_epochs": 2,
            "base.model.text_branch": {"name": "albert"},
            "space.loss.alpha": {"choice": [0.1]},
            "paper_default.loss.beta": 2,
            "scheduler": {"name": "none"},
            "storage": "elsewhere",
        },
    )
    assert (spec.search.num_configs, spec.search.seed) == (8, 3)
    assert spec.configurations.base.trainer.max_epochs == 2
    assert spec.configurations.base.trainer.early_stopping == 3
    assert spec.configurations.base.model.text_branch == RunConfig().model.text_branch
    assert spec.space["loss.alpha"].count() == 1
    assert spec.configurations.paper.loss.beta == 2.0
    assert spec.scheduler.name == "none"
    assert spec.storage == "elsewhere"


def test_a_wrong_override_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, MOSI, **{"search.num_confgs": 8, "base.trainer.max_epochs": 0})
    assert str(caught.value).splitlines() == [
        "--set: search.num_confgs: unknown key; given num_confgs; allowed max_concurrent, num_configs, "
        "paper_first, points, population, sampler, seed, startup, warm_start (did you mean 'num_configs'?)",
        "--set: base.trainer.max_epochs: out of range; given 0; allowed 1 or more",
    ]


def test_changed_values_are_named_by_their_dotted_paths(tmp_path: Path) -> None:
    old = load(tmp_path, MOSI)
    assert changed_values(old, load(tmp_path, MOSI)) == {}
    new = load(
        tmp_path,
        MOSI,
        **{
            "search.num_configs": 8,
            "base.trainer.early_stopping": None,
            "base.loss.alpha": 0.5,
            "space.loss.alpha": {"float": [0.01, 2.0], "log": True},
        },
    )
    expected = [
        "base.loss.alpha",
        "base.trainer.early_stopping",
        "search.num_configs",
        "space.loss.alpha.float",
    ]
    assert list(changed_values(old, new)) == expected
    assert list(changed_values(new, old)) == expected


def test_the_order_of_keys_is_no_change(tmp_path: Path) -> None:
    turned = "".join(reversed([f"{line}\n" for line in MOSI.splitlines()[6:]]))
    other = load(
        tmp_path, "data: {name: mosi}\nname: mosi\nspace:\n" + turned + "\n".join(MOSI.splitlines()[2:5])
    )
    assert changed_values(load(tmp_path, MOSI), other) == {}
    assert other == load(tmp_path, MOSI)


def test_folds_are_a_part_of_every_configuration_and_of_its_identity(tmp_path: Path) -> None:
    plain = load(tmp_path, MOSI).configurations.base
    spec = load(tmp_path, MOSI, **{"data.split": {"folds": 5}})
    for config in (spec.configurations.base, spec.configurations.paper, spec.configurations.of({})):
        assert config.data.split == FoldsConfig(folds=5, group="id.0")
        assert config_id(config) != config_id(plain)
    other = load(tmp_path, MOSI, **{"data.split": {"folds": 5, "group": "id.1"}}).configurations.base
    assert config_id(other) != config_id(spec.configurations.base)
    assert plain.data.split is None


def test_a_changed_base_changes_what_follows_from_it(tmp_path: Path) -> None:
    spec = load(tmp_path, MOSI)
    assert spec.configurations.base.loss.beta == 1.0
    changed = spec.with_base({"loss": {"beta": 2.0}})
    assert changed.configurations.base.loss.beta == changed.configurations.of({}).loss.beta == 2.0
    assert spec.configurations.base.loss.beta == 1.0


def test_the_fingerprint_is_part_of_every_configuration(tmp_path: Path) -> None:
    configurations = load(tmp_path, MOSI).configurations.on("f")
    found = (configurations.base, configurations.paper, configurations.of({"loss.alpha": 0.5}))
    assert {config.data.fingerprint for config in found} == {"f"}
