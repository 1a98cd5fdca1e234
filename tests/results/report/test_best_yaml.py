"""The selected configuration as a sweep that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import handmade
import pytest
from ruamel.yaml import YAML

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from results.ranking.selection import choose
from results.records.dataset import SweepResults, open_sweep
from results.report.best_yaml import best_yaml, write_best_yaml
from sweeps.jobs.evaluate import contender_configs
from sweeps.spec.sweep_spec import SweepSpec, load_spec, to_yaml

SOURCE = """\
name: source
data: {name: mosi, root: store, split: {folds: 3, group: id}}
method: published
base:
  model: {text_branch: {name: transformer}}
  trainer: {max_epochs: 7, monitor: macro_f1}
space:
  model.fusion: {choice: [sum, hm, mask]}
  model.backbone.name: {choice: [mult, unimodal]}
  loss.alpha: {float: [0.05, 2.0]}
  loss.beta: {constant: 0.3, when: {model.fusion: [sum]}}
  optimiser.learning_rates.audio: {same_as: optimiser.learning_rates.backbone, times: 0.5}
objectives: [{metric: macro_f1}, {cost: parameters}]
constraints: [{metric: accuracy, at_least: 0.2}]
search: {sampler: nsga2, population: 8, num_configs: 40, seed: 9}
scheduler: {name: patience, epochs: 4}
seeds: {search: 2, block: 1, confirm: 3, evaluate: 4, top_k: 15, first: 70}
confirmation: {name: all}
paper_default: {loss.alpha: 0.4}
selection: {rule: knee}
debiasing: {methods: [learned], folds: 4, constraint: simplex}
evaluation: {ablations: [zero, mean], step_rates: [0.5]}
"""
CHOSEN: dict[str, dict[str, Any]] = {
    "another variant": {"model.backbone.name": "unimodal", "model.fusion": "hm", "loss.alpha": 0.2},
    "a constant beside it": {
        "model.fusion": "sum",
        "loss.beta": 0.3,
        "optimiser.learning_rates.audio": 0.001,
    },
    "the paper's default": {"loss.alpha": 0.4},
}


@pytest.fixture
def results(tmp_path: Path) -> SweepResults:
    return open_sweep(handmade.whole_sweep(tmp_path))


def test_it_is_the_selected_configuration_with_the_reasons(results: SweepResults, tmp_path: Path) -> None:
    chosen = choose(results)
    path = tmp_path / "out" / "best.yaml"
    write_best_yaml(results, chosen, path)
    text = path.read_text()
    expected = {key: value for key, value in handmade.config(handmade.WINNER).items() if key != "data"}
    tree = YAML(typ="safe").load(text)
    assert tree == {
        "name": "handmade-best",
        "data": {"name": "synthetic"},
        "base": expected,
        "paper_default": {"model.backbone.layers": 9},
    }
    assert all(f"# {reason}" in text for reason in chosen.reasons)


def test_the_data_section_is_that_of_the_sweep(results: SweepResults) -> None:
    handmade.store_spec(results.layout, "name: x\ndata: {name: mosi, root: /data}\n")
    tree = YAML(typ="safe").load(best_yaml(results, choose(results)))
    assert tree["data"] == {"name": "mosi", "root": "/data"}
    handmade.store_spec(results.layout, "name: [\n")
    with pytest.raises(UserError, match=r"cannot read .*sweep\.yaml"):
        best_yaml(results, choose(results))


def source_spec(folder: Path) -> SweepSpec:
    path = folder / "source.yaml"
    path.write_text(SOURCE, encoding="utf-8")
    return load_spec(path)


def written(results: SweepResults, path: Path, config: RunConfig, stored: str, **parts: Any) -> SweepSpec:
    """The new sweep, as the loader reads it, where the sweep's file is `stored` and the selected one is `config`."""
    handmade.store_spec(results.layout, stored)
    selection = choose(results).model_copy(update={"config": config.model_dump(mode="json")})
    write_best_yaml(handmade.changed(results, **parts), selection, path)
    return load_spec(path)


@pytest.mark.parametrize("values", CHOSEN.values(), ids=CHOSEN)
def test_a_new_sweep_has_the_contenders_the_seeds_and_the_rules_of_its_source(
    results: SweepResults, tmp_path: Path, values: dict[str, Any]
) -> None:
    """It once had other seeds, and its report called the selected configuration the paper's default."""
    source = source_spec(tmp_path)
    configurations = source.configurations.on("feed")
    selected = configurations.of(values)
    paper = configurations.paper.model_dump(mode="json")
    manifest = results.manifest.model_copy(update={"paper": paper})
    best = written(results, tmp_path / "best.yaml", selected, to_yaml(source), manifest=manifest)
    again = best.configurations.on("feed")
    assert again.base == selected
    assert contender_configs(again, again.base) == contender_configs(configurations, selected)
    assert best.seed_plan() == source.seed_plan()
    assert best.search_blocks() == source.search_blocks()
    assert (best.num_configs, best.seeds.top_k, best.search.seed) == (1, 1, 9)
    for section in ("data", "method", "objectives", "constraints", "scheduler", "confirmation", "selection"):
        assert getattr(best, section) == getattr(source, section), section
    for section in ("debiasing", "evaluation"):
        assert getattr(best, section) == getattr(source, section), section


def test_a_sweep_of_an_older_version_has_the_paper_default_of_its_runs(
    results: SweepResults, tmp_path: Path
) -> None:
    source = source_spec(tmp_path)
    configurations = source.configurations.on("feed")
    selected = configurations.of({"model.fusion": "hm"})
    stored = to_yaml(source).replace("ablations:", "removals:").replace("method:", "fidelity:")
    runs = results.runs.copy()
    runs.loc[runs.index[0], ["role", "config_json"]] = ["paper", configurations.paper.model_dump_json()]
    assert results.manifest.paper is None
    best = written(results, tmp_path / "best.yaml", selected, stored, runs=runs)
    again = best.configurations.on("feed")
    assert contender_configs(again, again.base) == contender_configs(configurations, selected)
    assert best.evaluation == source.evaluation


@pytest.mark.parametrize("split", [None, {"folds": 5, "group": "id.1"}])
def test_it_runs_as_a_sweep_of_exactly_that_configuration(
    results: SweepResults, tmp_path: Path, split: dict[str, Any] | None
) -> None:
    values = {"optimiser.learning_rates.text": 1e-6, "model.fusion": "hm", "data.split": split}
    real = RunConfig().with_values(values)
    chosen = choose(results).model_copy(update={"config": real.model_dump(mode="json")})
    long = results.manifest.model_copy(update={"name": "x" * 64})
    path = tmp_path / "best.yaml"
    write_best_yaml(handmade.changed(results, manifest=long), chosen, path)
    spec = load_spec(path)
    assert spec.name == "x" * 59 + "-best"
    assert spec.configurations.base == real


def test_a_place_that_cannot_be_written_is_a_user_error(results: SweepResults, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        write_best_yaml(results, choose(results), tmp_path / "file" / "best.yaml")
