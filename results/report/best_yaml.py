"""The selected configuration as the start of a new sweep."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from results.ranking.selection import Selection
from results.records.dataset import SweepResults
from results.records.manifest import read_spec_text

_IN_SECTION = ("fingerprint", "split")
_OF_DATA = tuple(f"data.{key}" for key in _IN_SECTION)
_KEPT = (
    "method",
    "objectives",
    "constraints",
    "scheduler",
    "seeds",
    "confirmation",
    "selection",
    "debiasing",
    "evaluation",
)
"""The sections of the sweep's file that decide how a configuration is trained, judged and evaluated."""
_PAPER = "paper"
"""The role of the runs of the paper's default."""
MAX_NAME = 64
"""The longest name of a sweep."""


def best_yaml(results: SweepResults, selection: Selection) -> str:
    """The YAML text of a sweep of the selected configuration alone, with the reasons as comments.

    The new sweep judges and evaluates it as this one did: on the same data and seeds, and beside the same contenders.
    What depends on the machine (storage, resources, budget, retries, trackers) is left out.

    Raises:
        UserError: the sweep's own YAML file cannot be read.
    """
    suffix = "-best"
    base = {key: value for key, value in selection.config.items() if key != "data"}
    # The fingerprint follows from the data set that the new sweep names, and its `data` section has the folds.
    data = {key: value for key, value in selection.config.get("data", {}).items() if key not in _IN_SECTION}
    source = _source(results)
    paper = _paper_default(results, selection)
    tree = CommentedMap(
        {
            "name": results.manifest.name[: MAX_NAME - len(suffix)] + suffix,
            "data": _data_section(results, source, selection.config.get("data", {}).get("split")),
            "base": {**({"data": data} if data else {}), **base},
            **_kept(source),
            **({"paper_default": paper} if paper else {}),
        }
    )
    tree.yaml_set_start_comment("\n".join([f"Selected from sweep {selection.sweep_id}", *selection.reasons]))
    yaml = YAML()
    yaml.width = 4096  # a comment or a value is never folded
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def write_best_yaml(results: SweepResults, selection: Selection, path: Path) -> None:
    """Write `best_yaml` to a file, and replace an existing one.

    Raises:
        UserError: the file cannot be written, or the sweep's own YAML file cannot be read.
    """
    text = best_yaml(results, selection)
    try:
        write_text(path, text)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --out"
        ) from error


def _source(results: SweepResults) -> dict[str, Any]:
    """The sweep's own YAML file; empty if there is none."""
    text = read_spec_text(results.layout)
    try:
        tree = {} if text is None else YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UserError(f"cannot read {results.layout.spec}: {error}") from error
    return dict(tree) if isinstance(tree, dict) else {}


def _data_section(
    results: SweepResults, source: Mapping[str, Any], split: dict[str, Any] | None
) -> dict[str, Any]:
    """The `data` section of the sweep's own YAML file, else the data set's name and its folds."""
    # Only the sweep's own file has the place of the data set.
    if isinstance(source.get("data"), dict):
        return dict(source["data"])
    return {"name": results.manifest.dataset, **({"split": split} if split else {})}


def _kept(source: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of the sweep's own YAML file that the new sweep has too, for a search of one configuration."""
    kept = {section: source[section] for section in _KEPT if section in source}
    if isinstance(source.get("seeds"), dict):
        kept["seeds"] = {**source["seeds"], "top_k": 1}
    if isinstance(source.get("evaluation"), dict):
        # Earlier versions wrote `removals`.
        kept["evaluation"] = {
            "ablations" if key == "removals" else key: value for key, value in source["evaluation"].items()
        }
    if isinstance(source.get("search"), dict) and "seed" in source["search"]:
        # Constants and weights that are chosen after training follow from this seed.
        kept["search"] = {"num_configs": 1, "seed": source["search"]["seed"]}
    return kept


def _paper_default(results: SweepResults, selection: Selection) -> dict[str, Any]:
    """The values by dotted path that lead from the selected configuration to the paper's default of the sweep."""
    paper = results.manifest.paper
    if paper is None:  # an older version; its runs name their contender
        runs = results.runs
        recorded = runs.loc[runs["role"] == _PAPER, "config_json"]
        paper = selection.config if recorded.empty else json.loads(recorded.iloc[0])
    changes = _changes(selection.config, paper)
    # Both are on the same data.
    return {path: value for path, value in changes if not path.startswith(_OF_DATA)}


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, Any]]:
    """The values of `after` that differ, by dotted path. A variant with another name has all of its values."""
    if before.get("name") != after.get("name"):
        before = {}
    for key, value in after.items():
        known = before.get(key, ...)
        if isinstance(value, Mapping):
            yield from _changes(known if isinstance(known, Mapping) else {}, value, f"{path}{key}.")
        elif value != known:
            yield f"{path}{key}", value
