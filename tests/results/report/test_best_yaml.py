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
from sweeps.spec.sweep_spec import load_spec


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
    assert tree == {"name": "handmade-best", "data": {"name": "synthetic"}, "base": expected}
    assert all(f"# {reason}" in text for reason in chosen.reasons)


def test_the_data_section_is_that_of_the_sweep(results: SweepResults) -> None:
    results.layout.spec.write_text("name: x\ndata: {name: mosi, root: /data}\n")
    tree = YAML(typ="safe").load(best_yaml(results, choose(results)))
    assert tree["data"] == {"name": "mosi", "root": "/data"}
    results.layout.spec.write_text("name: [")
    with pytest.raises(UserError, match=r"cannot read .*sweep\.yaml"):
        best_yaml(results, choose(results))


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
