"""A sweep written as YAML is the same sweep when read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from sweep_trees import sweep_trees

from sweeps.spec.sweep_spec import SweepSpec, changed_values, load_spec, to_yaml
from sweeps.spec.yaml_file import write_yaml


def load(folder: Path, text: str) -> SweepSpec:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return load_spec(path)


@settings(max_examples=40, deadline=None)
@given(sweep_trees())
def test_a_spec_written_as_yaml_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("spec")
    spec = load(folder, write_yaml(tree))
    again = load(folder, to_yaml(spec))
    assert again == spec
    assert changed_values(spec, again) == {}
