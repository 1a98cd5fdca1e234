"""Seeds of search, confirmation and evaluation never mix, however many there come to be."""

from __future__ import annotations

import json
from pathlib import Path

import handmade
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.basics.digests import digested
from causalmer_core.basics.errors import UserError
from results.records.manifest import parse_manifest
from results.records.schemas import runs_schema
from sweeps.spec.seed_plan import SeedPlan
from sweeps.spec.sweep_spec import load_spec


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 1000), st.integers(0, 10**6))
def test_each_purpose_has_seeds_of_its_own(search: int, confirm: int, evaluate: int, first: int) -> None:
    plan = SeedPlan.counted(search, confirm, evaluate, first)
    assert (len(plan.search), len(plan.confirm), len(plan.evaluate)) == (search, confirm, evaluate)
    assert len({*plan.search, *plan.confirm, *plan.evaluate}) == search + confirm + evaluate


def test_seed_0_is_a_seed() -> None:
    assert SeedPlan.counted(1, 3, 2) == SeedPlan(search=(0,), confirm=(1, 2, 3), evaluate=(1000, 1001))


def test_more_seeds_keep_those_that_are_already_run() -> None:
    small, large = SeedPlan.counted(2, 2, 3, 7), SeedPlan.counted(2, 5, 6, 7)
    assert large.search == small.search
    assert large.confirm[:2] == small.confirm
    assert large.evaluate[:3] == small.evaluate


def test_the_largest_seeds_of_a_file_are_exact_in_tables_and_as_float64(tmp_path: Path) -> None:
    """A larger first seed once passed the plan, trained, and could never be compacted."""
    (tmp_path / "sweep.yaml").write_text(
        "name: x\ndata: {name: x}\nseeds: {search: 100, confirm: 500, evaluate: 1000, first: 1000000000000000}\n"
    )
    plan = load_spec(tmp_path / "sweep.yaml").seed_plan()
    seeds = (*plan.search, *plan.confirm, *plan.evaluate)
    column = pa.array(seeds, runs_schema({}, {}).field("seed").type)
    assert column.to_pylist() == [int(float(seed)) for seed in seeds] == [*seeds]


def test_a_manifest_with_seeds_that_no_table_holds_is_refused_in_words() -> None:
    tree = json.loads(handmade.manifest().model_dump_json()) | {"confirm_seeds": [2**63]}
    with pytest.raises(UserError, match=r"manifest\.json is not a manifest .*\n.*confirm_seeds"):
        parse_manifest(digested(tree).encode(), "manifest.json")


def test_a_plan_with_a_seed_for_two_purposes_is_refused() -> None:
    for seeds in (((0, 1), (1, 2), (5,)), ((0,), (1, 2), (2,)), ((0,), (1,), (0,))):
        with pytest.raises(ValueError, match="serves two purposes"):
            SeedPlan(*seeds)
