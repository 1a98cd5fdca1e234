"""The largest configuration of a space is found by its size, whichever parameters that depends on."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalmer_core.config.run_config import RunConfig
from sweeps.gpu_memory.largest import largest_config
from sweeps.spec.sweep_spec import SweepSpec, load_spec

HEAD = """\
name: x
data: {name: x}
base: {model: {text_branch: {name: transformer}}}
search: {num_configs: 2}
seeds: {top_k: 1}
space:
"""


def spec_of(folder: Path, space: str) -> SweepSpec:
    file = folder / "sweep.yaml"
    file.write_text(HEAD + space, encoding="utf-8")
    return load_spec(file)


def memory(config: RunConfig) -> int:
    """Grows with batch, layers and width, as memory does; the published text branch is the largest of all."""
    branch = config.model.text_branch
    text = 10**6 if branch.name == "albert" else getattr(branch, "hidden_dim", 0)
    layers = int(config.value("model.backbone.layers"))
    return config.trainer.batch_size * layers * int(config.value("model.backbone.hidden_dim")) + text


def test_every_parameter_that_counts_is_at_the_end_that_counts_most(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path,
        """\
  loss.alpha: {float: [0.1, 1.0]}
  model.backbone.layers: {int: [1, 6]}
  trainer.batch_size: {choice: [128, 16, 32]}
  model.text_branch.name: {choice: [albert, transformer]}
  model.text_branch.hidden_dim: {int: [8, 64], step: 8, when: {model.text_branch.name: [transformer]}}
""",
    )
    largest = largest_config(spec.configurations, memory)
    assert largest.value("model.backbone.layers") == 6
    assert largest.trainer.batch_size == 128
    assert largest.model.text_branch.name == "albert"


def test_a_contender_that_is_larger_than_the_space_counts(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "  model.backbone.layers: {int: [1, 2]}\n")
    published = spec.configurations.paper.value("model.backbone.layers")
    assert published > 2
    assert largest_config(spec.configurations, memory).value("model.backbone.layers") == published


def test_combinations_that_are_not_allowed_are_passed_over(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path,
        "  model.backbone.hidden_dim: {choice: [40, 80]}\n  model.backbone.num_heads: {choice: [10, 8]}\n"
        "  model.backbone.layers: {int: [1, 3]}\n",
    )
    largest = largest_config(spec.configurations, memory)
    assert largest.value("model.backbone.hidden_dim") == 80


@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.integers(2, 9), min_size=3, max_size=3), st.lists(st.integers(2, 9), min_size=3, max_size=3)
)
def test_of_sizes_that_grow_with_each_choice_the_largest_is_found(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], layers: list[int]
) -> None:
    batches, layers = list(dict.fromkeys(batches)), list(dict.fromkeys(layers))
    space = (
        f"  trainer.batch_size: {{choice: {batches}}}\n  model.backbone.layers: {{choice: {layers}}}\n"
        "  model.backbone.hidden_dim: {choice: [160]}\n"
    )
    spec = spec_of(tmp_path_factory.mktemp("space"), space)
    # smaller than the fixed part and the paper's default are, which count as nothing here
    found = largest_config(
        spec.configurations, lambda config: memory(config) if config.trainer.batch_size < 10 else 0
    )
    most = max(b * n for b, n in product(batches, layers))
    assert found.trainer.batch_size * int(found.value("model.backbone.layers")) == most
