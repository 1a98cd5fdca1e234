"""What is proposed first: the paper's default and listed points; and samplers that propose from a list alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import handmade
import pytest
from objectives_by_hand import HIGHER

from causalmer_core.basics.errors import UserError
from sweeps.cli.plan_table import search_lines
from sweeps.search.proposer import Proposer
from sweeps.spec.sweep_spec import SweepSpec, load_spec, load_stored_spec, to_yaml

TEXT = """\
name: x
data: {name: x}
base: {optimiser: {learning_rates: {audio: 1e-3}}}
space:
  model.fusion: {choice: [sum, tanh, mask]}
  loss.beta: {choice: [0.5, 1.0], when: {model.fusion: [sum, mask]}}
  model.backbone.layers: {int: [4, 5]}
  optimiser.learning_rates.vision: {same_as: optimiser.learning_rates.audio, times: 0.5}
search:
  num_configs: 100
"""
WITHOUT_NUMBER = TEXT.replace("search:\n  num_configs: 100\n", "")
FOLLOWS = {"optimiser.learning_rates.vision": 5e-4}
PAPER = {"model.fusion": "mask", "loss.beta": 1.0, "model.backbone.layers": 5, **FOLLOWS}


def load(folder: Path, search: dict[str, Any], text: str = TEXT) -> SweepSpec:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return load_spec(path, {f"search.{key}": value for key, value in search.items()})


def proposals(spec: SweepSpec) -> list[dict[str, Any]]:
    proposer = Proposer(spec.configurations.space, spec.search, HIGHER, spec.first_points)
    return [proposer.propose() for _ in range(spec.num_proposals)]


def test_listed_points_come_in_order_completed_by_the_papers_default(tmp_path: Path) -> None:
    points = [
        {"model.backbone.layers": 4},
        {"model.fusion": "tanh"},
        {"loss.beta": 0.5, "model.fusion": "sum"},
    ]
    found = proposals(load(tmp_path, {"sampler": "list", "points": points}))
    assert found == [
        PAPER,
        PAPER | {"model.backbone.layers": 4},
        {"model.fusion": "tanh", "model.backbone.layers": 5} | FOLLOWS,
        {"model.fusion": "sum", "loss.beta": 0.5, "model.backbone.layers": 5} | FOLLOWS,
    ]


def test_the_papers_default_goes_before_the_points_and_no_point_is_tried_twice(tmp_path: Path) -> None:
    text = TEXT.replace("space:\n", "space:\n  loss.alpha: {float: [0.01, 1.0]}\n")
    points = [{"model.fusion": "mask"}, {"model.fusion": "sum"}, {"model.fusion": "sum", "loss.beta": 1.0}]
    spec = load(tmp_path, {"sampler": "random", "points": points, "num_configs": 5}, text)
    found = proposals(spec)
    assert len(found) == 5
    assert found[0] == PAPER | {"loss.alpha": 0.1}
    assert found[1] == PAPER | {"loss.alpha": 0.1, "model.fusion": "sum"}
    without = proposals(load(tmp_path, {"sampler": "random", "num_configs": 5}, text))
    assert found[2:] == without[2:], "points moved a later draw"
    off = load(tmp_path, {"sampler": "list", "points": points, "paper_first": False}, text)
    assert [point["model.fusion"] for point in proposals(off)] == ["mask", "sum"]


def test_a_grid_tries_every_configuration_once_and_stops(tmp_path: Path) -> None:
    spec = load(tmp_path, {"sampler": "grid", "points": [{"model.fusion": "tanh"}]})
    found = proposals(spec)
    assert spec.num_proposals == spec.num_configs == len(found) == 10  # (2 fusions x 2 + 1) x 2 layers
    assert sorted(map(str, found)) == sorted(map(str, spec.configurations.space.grid()))
    assert found[:2] == [PAPER, {"model.fusion": "tanh", "model.backbone.layers": 5, **FOLLOWS}]
    assert [point for point in spec.configurations.space.grid() if point not in found[:2]] == found[2:]


@pytest.mark.parametrize("search", [{"sampler": "grid"}, {"sampler": "grid", "paper_first": False}])
def test_a_grid_without_num_configs_is_tried_to_its_end(tmp_path: Path, search: dict[str, Any]) -> None:
    """It once ended after the first 12 points without a word."""
    text = WITHOUT_NUMBER.replace("space:\n", "space:\n  loss.alpha: {float: [0.1, 2.0], step: 0.1}\n")
    spec = load(tmp_path, search, text)
    assert spec.num_proposals == spec.search.num_configs == 200
    assert len(proposals(spec)) == 200
    assert spec.configurations_text == "200 configurations"
    assert load_stored_spec(handmade.store_spec(handmade.empty_sweep(tmp_path), to_yaml(spec))) == spec


def test_a_part_of_a_grid_is_named_with_the_whole(tmp_path: Path) -> None:
    spec = load(tmp_path, {"sampler": "grid", "num_configs": 4})
    assert spec.configurations_text == "4 of 10 points, in the grid's order"
    assert ("grid", "4 of 10 points, in the grid's order") in search_lines(spec, 10)
    assert load(tmp_path, {"sampler": "random", "num_configs": 4}).configurations_text == "4 configurations"


def test_a_stored_sweep_continues_with_its_part_of_a_grid(tmp_path: Path) -> None:
    """Earlier versions wrote 12 into a sweep's folder, although its file gave no number."""
    text = WITHOUT_NUMBER.replace("space:\n", "space:\n  loss.alpha: {float: [0.1, 2.0], step: 0.1}\n")
    stored = text + "search: {sampler: grid, num_configs: 12}\n"
    spec = load_stored_spec(handmade.store_spec(handmade.empty_sweep(tmp_path), stored))
    assert spec.num_proposals == 12
    assert proposals(spec) == proposals(load(tmp_path, {"sampler": "grid"}, text))[:12]


def test_a_large_grid_needs_the_number_of_its_points(tmp_path: Path) -> None:
    text = WITHOUT_NUMBER.replace("space:\n", "space:\n  loss.alpha: {float: [0.0, 1.0], step: 0.0001}\n")
    with pytest.raises(
        UserError, match=r"the space has 100010; .*allowed at most 10000 without search\.num_config"
    ):
        load(tmp_path, {"sampler": "grid"}, text)
    spec = load(tmp_path, {"sampler": "grid", "num_configs": 20_000}, text)
    assert spec.num_proposals == 20_000


def test_a_small_grid_still_confirms_what_it_has(tmp_path: Path) -> None:
    """`seeds.top_k` is 4 by default, and a grid may have fewer points."""
    text = "name: x\ndata: {name: x}\nspace: {model.fusion: {choice: [sum, mask]}}\n"
    spec = load(tmp_path, {"sampler": "grid"}, text)
    assert (spec.num_configs, spec.configurations_text) == (2, "2 configurations")


def test_num_configs_caps_a_grid(tmp_path: Path) -> None:
    spec = load(tmp_path, {"sampler": "grid", "num_configs": 4, "paper_first": False})
    assert proposals(spec) == list(spec.configurations.space.grid())[:4]


def test_constants_hold_for_the_papers_default_where_they_are_present(tmp_path: Path) -> None:
    """A constant is fixed as `base` is, and so is what follows from `base`; what follows a searched value is not."""
    text = TEXT.replace("space:\n", "space:\n  trainer.max_epochs: {constant: 3}\n")
    text = text.replace("space:\n", "space:\n  loss.alpha: {constant: 0.7, when: {model.fusion: [tanh]}}\n")
    text = text.replace(
        "space:\n", "space:\n  optimiser.learning_rates.text: {same_as: loss.beta, times: 0.1}\n"
    )
    paper = load(tmp_path, {}, text).configurations.paper
    assert paper.trainer.max_epochs == 3
    assert paper.loss.alpha == 0.1, "the constant is absent beside the paper's fusion"
    assert paper.optimiser.learning_rates.vision == 5e-4
    assert paper.optimiser.learning_rates.text == 1e-6


MISTAKES = {
    "outside": (
        {"points": [{}, {"model.fusion": "hm"}]},
        '--set: search.points[1].model.fusion: lies outside the space; given "hm"; allowed sum, tanh, mask',
    ),
    "not in the space": (
        {"points": [{"loss.alpha": 1.0}]},
        "--set: search.points[0].loss.alpha: is not in the space; given 1.0; allowed model.fusion, "
        "model.backbone.layers, loss.beta",
    ),
    "not searched": (
        {"points": [{"optimiser.learning_rates.vision": 1.0}]},
        "--set: search.points[0].optimiser.learning_rates.vision: is not searched (constant 0.0005); given 1.0; "
        "allowed to leave it out",
    ),
    "absent": (
        {"points": [{"model.fusion": "tanh", "loss.beta": 0.5}]},
        "--set: search.points[0].loss.beta: is absent beside the other values; given 0.5; allowed only beside "
        "model.fusion: sum or mask",
    ),
    "too many": (
        {"points": [{"model.fusion": "sum"}, {"model.fusion": "tanh"}], "num_configs": 1},
        "--set: search.num_configs: fewer than the 3 points that are tried first; given 1; allowed 3 or more",
    ),
    "an empty list": (
        {"sampler": "list"},
        "9: search.points: is empty, and the sampler 'list' tries these alone; allowed a list of points",
    ),
    "one generation": (
        {"sampler": "nsga2", "num_configs": 50},
        "--set: search.sampler: all 50 proposals belong to the first generation of 50, which is random; given nsga2; "
        "allowed a search.population below 50, or a search.num_configs above 50",
    ),
    "a population of none": (
        {"population": 8},
        "--set: search.population: the sampler 'tpe' has no generations; given 8; allowed cmaes, nsga2, nsga3, or no "
        "population",
    ),
    "too few numbers": (
        {"sampler": "cmaes"},
        "--set: search.sampler: learns unconditional numbers, of which the space has 1; given cmaes; allowed two or "
        "more ranges (float, int) without conditions, or another sampler",
    ),
    "a teacher of the deaf": (
        {"sampler": "qmc", "warm_start": {"sweep": "earlier"}},
        "--set: search.warm_start: the sampler 'qmc' learns from no results; given earlier; allowed one of tpe, cmaes, "
        "gp, nsga2, nsga3, or no warm start",
    ),
}


@pytest.mark.parametrize(("search", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, search: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, search, TEXT + "seeds: {top_k: 1}\n")
    (line,) = str(caught.value).splitlines()
    assert line.removeprefix(f"{tmp_path / 'sweep.yaml'}:") == message


def test_a_point_is_blamed_with_its_line(tmp_path: Path) -> None:
    text = TEXT + "  points:\n    - {model.backbone.layers: 4}\n    - model.fusion: sum\n      loss.beta: 7\n"
    with pytest.raises(
        UserError, match=r"sweep\.yaml:14: search\.points\[1\]\.loss\.beta: lies outside the space"
    ):
        load(tmp_path, {}, text)


def test_a_grid_over_a_continuum_is_refused_with_what_to_do(tmp_path: Path) -> None:
    text = TEXT.replace("space:\n", "space:\n  loss.alpha: {float: [0.1, 1]}\n")
    with pytest.raises(UserError) as caught:
        load(tmp_path, {"sampler": "grid"}, text)
    assert str(caught.value).endswith(
        "5: space.loss.alpha: a continuum, of which the sampler 'grid' cannot try every value; given 0.1 to 1.0; "
        "allowed a step, a choice of values, or another sampler"
    )


def test_cmaes_without_its_package_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "cmaes" else object())
    text = TEXT.replace("space:\n", "space:\n  loss.alpha: {float: [0.1, 1]}\n")
    with pytest.raises(UserError, match=r"needs the package 'cmaes'.*pip install 'causalmer\[cmaes\]'"):
        load(tmp_path, {"sampler": "cmaes"}, text)


UNKNOWN = {
    "unknown": (
        "{same_as: loss.alhpa}",
        "same_as: unknown path; given loss.alhpa; allowed a searched path, or of the",
    ),
    "a group": (
        "{same_as: loss}",
        "same_as: is a group of values; given loss; allowed a searched path, or of the",
    ),
    "no value": (
        "{same_as: trainer.early_stopping}",
        "same_as: has no single value; given trainer.early_stopping;",
    ),
    "text": (
        "{same_as: trainer.monitor, times: 2}",
        "times: 'trainer.monitor' is not a number; given 2; allowed a",
    ),
}


@pytest.mark.parametrize(("entry", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_reference_to_what_is_not_there_is_refused(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(UserError, match=r"sweep\.yaml:5: space\.model\.backbone\.memory_layers\.") as caught:
        load(tmp_path, {}, TEXT.replace("space:\n", f"space:\n  model.backbone.memory_layers: {entry}\n"))
    assert message in str(caught.value)
