"""The selected configuration as the start of a new sweep."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from results.ranking.selection import Selection
from results.records.dataset import SweepResults

_IN_SECTION = ("fingerprint", "split")
MAX_NAME = 64
"""The longest name of a sweep."""


def best_yaml(results: SweepResults, selection: Selection) -> str:
    """A sweep of one configuration, `{name: <sweep>-best, data, base}`, with the reasons as comments.

    Raises:
        UserError: the YAML that the sweep was started with cannot be read.
    """
    suffix = "-best"
    base = {key: value for key, value in selection.config.items() if key != "data"}
    # The fingerprint follows from the data set that the new sweep names; folds stand in its section.
    data = {key: value for key, value in selection.config.get("data", {}).items() if key not in _IN_SECTION}
    tree = CommentedMap(
        {
            "name": results.manifest.name[: MAX_NAME - len(suffix)] + suffix,
            "data": _data_section(results, selection.config.get("data", {}).get("split")),
            "base": {**({"data": data} if data else {}), **base},
        }
    )
    tree.yaml_set_start_comment("\n".join([f"Selected from sweep {selection.sweep_id}", *selection.reasons]))
    yaml = YAML()
    yaml.width = 4096  # a comment or a value is never folded
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def write_best_yaml(results: SweepResults, selection: Selection, path: Path) -> None:
    """Write `best_yaml` to a file, replacing it.

    Raises:
        UserError: the file cannot be written, or the sweep's own YAML cannot be read.
    """
    text = best_yaml(results, selection)
    try:
        write_text(path, text)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --out"
        ) from error


def _data_section(results: SweepResults, split: dict[str, Any] | None) -> dict[str, Any]:
    """As in the sweep's own YAML, which knows where the data set lies; else the data set's name, and its folds."""
    path = results.layout.spec
    if path.exists():
        try:
            tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        except YAMLError as error:
            raise UserError(f"cannot read {path}: {error}") from error
        if isinstance(tree, dict) and isinstance(tree.get("data"), dict):
            return dict(tree["data"])
    return {"name": results.manifest.dataset, **({"split": split} if split else {})}
