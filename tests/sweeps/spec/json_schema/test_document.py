"""The JSON schema of a sweep's file takes what the loader takes, and refuses what single keys and values give away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from spec_mistakes import BAD, HEAD
from sweep_trees import sweep_trees
from tiny_backbones import distribution, documented
from tiny_sweep import YAML

import sweeps
from causalmer_core.basics.errors import UserError
from sweeps.spec.configurations import leaves
from sweeps.spec.includes import KEY
from sweeps.spec.json_schema.document import sweep_schema
from sweeps.spec.sweep_spec import SweepSpec, load_spec, to_yaml
from sweeps.spec.yaml_file import read_yaml

ROOT = Path(__file__).parents[4]
CONFIGS = sorted((Path(sweeps.__file__).parent / "configs").glob("*.yaml"))
SHOWN = [
    block
    for page in ("README.md", "docs/sweep_yaml.md")
    for block in re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
]
BEYOND = {
    "low above high": "compares two values",
    "path of another variant": "depends on `base`",
    "combination": "depends on other keys",
    "condition on an impossible value": "depends on another entry",
    "circle of conditions": "depends on other entries",
    "a block larger than the search's seeds": "compares two keys",
    "top_k above num_configs": "compares two keys",
    "paper default that does not fit the base": "depends on other keys",
    "a rule of selection without seeds to see a spread": "depends on another key",
    "number that is none": "JSON has no such number",
    "a range beyond the columns of the tables": "one limit for every whole number of the file",
    "a choice beyond the columns of the tables": "one limit for every whole number of the file",
    "a fixed value beyond the columns of the tables": "one limit for every whole number of the file",
    "a reference beyond the columns of the tables": "multiplies two values",
    "a reference beyond all numbers": "multiplies two values",
    "a value of the paper default beyond all numbers": "JSON has no such number",
    "a range of too many steps": "compares two values",
    "a grid too large to be meant": "depends on the space",
}
"""The loader's cases that a schema cannot tell, and why."""
NO_TREE = ("empty", "list", "duplicate key", "a number of thousands of bits")
"""Those that are no mapping of plain values at all."""


@cache
def validator() -> Draft202012Validator:
    schema, faults = sweep_schema()
    assert faults == []
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def tree_of(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_yaml(path).tree


def complaints(tree: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message[:300]}" for error in validator().iter_errors(tree)]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_sweeps_that_come_with_the_package_are_taken(path: Path) -> None:
    assert complaints(read_yaml(path).tree) == []


@pytest.mark.parametrize("text", [*SHOWN, YAML])
def test_every_sweep_that_is_documented_is_taken(text: str, tmp_path: Path) -> None:
    assert complaints(tree_of(tmp_path, text)) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sweep_trees())
def test_every_valid_sweep_is_taken_also_as_it_is_written_out(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("spec")
    assert complaints(tree) == []
    (folder / "x.yaml").write_text(json.dumps(tree), encoding="utf-8")  # JSON is YAML
    assert complaints(tree_of(folder, to_yaml(load_spec(folder / "x.yaml")))) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("space:\nbase:\nsearch:\n", id="nothing after a key"),
        pytest.param("paper_default: {loss: {beta: 0.5}, model.text_branch: {name: albert}}\n", id="nested"),
        pytest.param("base: {trainer: {early_stopping: null}}\n", id="null where a value may be absent"),
        pytest.param(
            "base: {model: {backbone: {layers: 2}, text_branch: {frozen: true}}}\n", id="published variant"
        ),
        pytest.param(
            "space: {model.backbone.attn_dropout: {float: [0, 1], step: 0.3}}\n", id="a bound off the steps"
        ),
        pytest.param(
            "space:\n  model.text_branch.name: {choice: [transformer, albert]}\n  model.text_branch.hidden_dim: "
            "{choice: [8, 16], when: {model.text_branch.name: [transformer]}}\n",
            id="a searched variant",
        ),
    ],
)
def test_unusual_but_valid_files_are_taken(text: str, tmp_path: Path) -> None:
    assert complaints(tree_of(tmp_path, HEAD + text)) == []
    load_spec(tmp_path / "sweep.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [case[:2] for case in BAD if case[0] not in (*NO_TREE, *BEYOND)],
    ids=lambda part: part[:40],
)
def test_the_loaders_mistakes_are_refused(name: str, text: str, tmp_path: Path) -> None:
    assert complaints(tree_of(tmp_path, text)), name


@pytest.mark.parametrize(
    "text",
    [
        "space: {loss.alpha: {float: [0.1, 1], log: true, step: 0.1}}\n",
        "space: {loss.alpha: {float: [0.1, 1], int: [1, 2]}}\n",
        "space: {loss.alpha: {float: [0.1]}}\n",
        "space: {loss.alpha: {flaot: [0.1, 1]}}\n",
        "space: {model.backbone.layers: {float: [1, 4]}}\n",
        "space: {model.backbone.layers: {int: [0, 4]}}\n",
        "space: {model.fusion: {choice: []}}\n",
        "space: {model.fusion: {choice: [sum, sum]}}\n",
        "space: {model.fusion: {constant: summ}}\n",
        "space: {loss.alpha: {same_as: loss.betta}}\n",
        "space: {loss.alpha: {float: [0.1, 1], when: {model.fusion: [summ]}}}\n",
        "search: {points: [{loss.alhpa: 1}]}\n",
        "search: {warm_start: {top: 3}}\n",
        "base: {model: {backbone: {name: mulled}}}\n",
        "base: {model: {audio_branch: {hidden_dim: 4}}}\n",  # of small_conv, but without its name
        "data: {name: x, split: {group: id}}\n",
        f"{KEY}: 3\n",
    ],
)
def test_further_mistakes_are_refused_by_both(text: str, tmp_path: Path) -> None:
    head = "name: x\n" if text.startswith("data") else HEAD
    assert complaints(tree_of(tmp_path, head + text))
    with pytest.raises(UserError):
        load_spec(tmp_path / "sweep.yaml")


def test_what_a_schema_cannot_tell_is_stated_truly(tmp_path: Path) -> None:
    texts = {name: text for name, text, _ in BAD}
    assert [name for name in BEYOND if complaints(tree_of(tmp_path, texts[name]))] == []


def test_a_file_that_includes_others_may_leave_to_them_what_must_be_said(tmp_path: Path) -> None:
    text = "scheduler: {grace_epochs: 1}\nbase: {model: {audio_branch: {hidden_dim: 4}}}\n"
    assert complaints(tree_of(tmp_path, text))
    assert complaints(tree_of(tmp_path, f"{KEY}: [one.yaml, other.yaml]\n{text}")) == []
    assert complaints(tree_of(tmp_path, f"{KEY}: one.yaml\n{text}seach: {{}}\n"))


def test_every_key_is_explained_and_every_default_is_the_loaders() -> None:
    schema = validator().schema
    assert isinstance(schema, dict)
    unexplained = [path for path, part in properties(schema) if not resolved(part).get("description")]
    assert unexplained == []
    spec = SweepSpec.model_validate({"name": "a", "data": {"name": "b"}})
    for name, value in spec.model_dump(mode="json").items():
        if name not in ("name", "data", "base", "space", "paper_default"):
            assert schema["properties"][name]["default"] == value, name
    searched = set(schema["properties"]["space"]["anyOf"][0]["properties"])
    fixed = {"data.fingerprint", "data.split", "trainer.monitor"}
    assert set(leaves(spec.configurations.base)) - fixed <= searched


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys that the schema explains; parts that only narrow what stands elsewhere have no words of their own."""
    if isinstance(node, dict):
        for key, below in node.items():
            if key == "properties" and "additionalProperties" in node:
                yield from ((f"{path}/{name}", part) for name, part in below.items())
            yield from properties(below, f"{path}/{key}")


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    schema = validator().schema
    assert isinstance(schema, dict)
    found = part
    while "$ref" in found and "description" not in found:
        found = schema["$defs"][found["$ref"].removeprefix("#/$defs/")]
    return found


def test_installed_backbones_are_in_it_and_faulty_ones_are_named(tmp_path: Path) -> None:
    modules, points = documented()
    wrong = {"absent": "no_such_module:Network"}
    with (
        distribution(tmp_path / "good", modules, points),
        distribution(tmp_path / "bad", {}, wrong, name="bad"),
    ):
        schema, faults = sweep_schema()
    theirs = Draft202012Validator(schema)
    right = "base: {model: {backbone: {name: mean_pool, hidden_dim: 8}}}\n"
    right += "space: {model.backbone.name: {choice: [mean_pool]}}\n"
    assert theirs.is_valid(tree_of(tmp_path, HEAD + right))
    for mistake in ("hiden_dim: 8", "hidden_dim: wide"):
        text = f"base: {{model: {{backbone: {{name: mean_pool, {mistake}}}}}}}\n"
        assert not theirs.is_valid(tree_of(tmp_path, HEAD + text))
    (fault,) = faults
    assert "the installed backbone 'absent'" in fault
    assert not validator().is_valid(tree_of(tmp_path, HEAD + right))
