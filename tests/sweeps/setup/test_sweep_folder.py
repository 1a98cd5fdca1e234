"""A sweep goes on with the file it began with, but for what no record depends on, and for what may grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_sweep import YAML, begin, checked_sweep

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from results.records import manifest as manifest_module
from results.records.manifest import read_sweep_manifest
from sweeps.setup.sweep_folder import as_begun, continue_sweep
from sweeps.spec.sweep_spec import load_spec, load_stored_spec

MAY_CHANGE: dict[str, dict[str, Any]] = {
    "evaluation": {"evaluation": {"ablations": ["zero", "mean"], "step_rates": [0.5]}},
    "resources": {"resources__cpu": 2.0},
    "failure": {"failure": {"retries": 0, "fail_fast": None, "run_timeout": 1.5}},
    "budget": {"budget": {"runs": 2, "hours": 1.0, "gpu_hours": 0.5, "target": 0.9}},
    "reuse": {"reuse": False},
}


@pytest.mark.parametrize("changes", MAY_CHANGE.values(), ids=MAY_CHANGE)
def test_what_no_record_depends_on_may_change(tmp_path: Path, changes: dict[str, Any]) -> None:
    layout = begin(checked_sweep(tmp_path))
    before = layout.manifest.read_text(), layout.spec.read_text()
    assert continue_sweep(checked_sweep(tmp_path, **changes)) == []
    assert (layout.manifest.read_text(), layout.spec.read_text()) == before


def test_what_may_grow_grows_and_then_stands_in_the_folder(tmp_path: Path) -> None:
    layout = begin(checked_sweep(tmp_path))
    before = read_sweep_manifest(layout)
    larger = checked_sweep(
        tmp_path, search__num_configs=7, seeds__confirm=3, seeds__top_k=4, seeds__evaluate=3
    )
    assert continue_sweep(larger) == [
        "search.num_configs 7 instead of 5",
        "seeds.confirm 3 instead of 2",
        "seeds.evaluate 3 instead of 2",
        "seeds.top_k 4 instead of 2",
    ]
    after = read_sweep_manifest(layout)
    assert after.confirm_seeds == (1, 2, 3)
    assert after.evaluate_seeds == (1000, 1001, 1002)
    assert after.spec_sha256 != before.spec_sha256
    smaller = {"confirm_seeds": (1, 2), "evaluate_seeds": (1000, 1001), "spec_sha256": before.spec_sha256}
    assert after.model_copy(update=smaller) == before
    assert load_spec(layout.spec).search.num_configs == 7
    assert continue_sweep(larger) == []


def test_a_part_of_a_grid_continues_as_it_began_until_the_file_gives_a_larger_number(tmp_path: Path) -> None:
    """Earlier versions began with 12 points where the file gave no number."""
    text = YAML.replace("num_configs: 5, startup: 2", "sampler: grid").replace("log: true", "step: 0.005")
    text = text.replace("{float: [0.01, 1.0], step: 0.005}", "{choice: [0.1, 0.2]}").replace(
        "[0.1, 3.0]", "[1, 1.5]"
    )
    text = text.replace("[1e-3, 2e-2], step: 0.005", "[1e-3, 2e-3], step: 1e-3")
    sweep = checked_sweep(tmp_path, text)
    size = sweep.spec.search.num_configs
    assert size == sweep.spec.space.size() > 12
    assert as_begun(sweep).spec == sweep.spec, "it has not begun"
    begin(checked_sweep(tmp_path, text, search__num_configs=12))
    continued = as_begun(sweep)
    assert continued.spec.configurations_text == f"12 of {size} points, in the grid's order"
    assert continue_sweep(continued) == []
    larger = as_begun(checked_sweep(tmp_path, text, search__num_configs=20))
    assert continue_sweep(larger) == ["search.num_configs 20 instead of 12"]


@pytest.mark.parametrize("key", ["search__num_configs", "seeds__confirm", "seeds__evaluate", "seeds__top_k"])
def test_what_may_grow_may_not_shrink(tmp_path: Path, key: str) -> None:
    begin(checked_sweep(tmp_path))
    dotted = key.replace("__", ".")
    with pytest.raises(
        UserError, match=rf"{dotted}: was \d, is 1; it can only grow, so give \d or more"
    ) as refused:
        continue_sweep(checked_sweep(tmp_path, **{"seeds__top_k": 1, key: 1}))
    assert f"differed in {dotted}" in str(refused.value) or dotted != "seeds.top_k"


REFUSED = {
    "base.trainer.max_epochs": (
        {"base__trainer__max_epochs": 4},
        "was 3, is 4; it is part of every configuration",
    ),
    "search.seed": ({"search__seed": 1}, "was 0, is 1; every proposal follows from it"),
    "search.max_concurrent": ({"search__max_concurrent": 3}, "was 2, is 3; every proposal follows from it"),
    "scheduler.grace_epochs": (
        {"scheduler__grace_epochs": 2},
        "was 1, is 2; it decided which runs were pruned",
    ),
    "confirmation.max_error": (
        {"confirmation": {"name": "race", "max_error": 0.2}},
        "was 0.1, is 0.2; the selection follows from it",
    ),
    "seeds.first": ({"seeds__first": 5}, "was 0, is 5; it decides the seeds of each phase"),
    "method": ({"method": "published"}, 'was "corrected", is "published"; it is part of every configuration'),
    "debiasing.trials": ({"debiasing__trials": 65}, "was 64, is 65; the selection follows from it"),
}


@pytest.mark.parametrize(("key", "case"), REFUSED.items(), ids=REFUSED)
def test_a_key_that_records_depend_on_is_named_with_the_reason_and_the_way_out(
    tmp_path: Path, key: str, case: tuple[dict[str, Any], str]
) -> None:
    layout = begin(checked_sweep(tmp_path))
    before = layout.manifest.read_text(), layout.spec.read_text()
    changes, words = case
    with pytest.raises(UserError) as refused:
        continue_sweep(checked_sweep(tmp_path, **changes))
    first, *lines, last = str(refused.value).splitlines()
    assert f"differed in {key}; change this back" in first
    assert "or give the sweep another name" in first
    assert lines[0].startswith(f"{key}: {words}")
    assert last.startswith(
        "allowed to change: storage, data.root, evaluation, resources, failure, budget, reuse, tracking;"
    )
    assert (layout.manifest.read_text(), layout.spec.read_text()) == before


def test_where_one_key_is_refused_nothing_grows(tmp_path: Path) -> None:
    layout = begin(checked_sweep(tmp_path))
    with pytest.raises(UserError, match=r"differed in search\.seed;"):
        continue_sweep(checked_sweep(tmp_path, search__seed=1, search__num_configs=7))
    assert load_spec(layout.spec).search.num_configs == 5


@pytest.mark.parametrize("content", [b"", b"name: other\ndata: {name: other}\n", None])
def test_a_damaged_copy_of_the_file_is_written_again_from_the_same_file(
    tmp_path: Path, content: bytes | None
) -> None:
    sweep = checked_sweep(tmp_path)
    layout = begin(sweep)
    before = layout.spec.read_bytes()
    if content is None:
        layout.spec.unlink()
    else:
        layout.spec.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"sweep\.yaml is damaged: .*give the sweep's YAML file"):
        load_stored_spec(layout)
    with pytest.raises(UserError, match="The given file is not the one with which the sweep was last run"):
        continue_sweep(checked_sweep(tmp_path, search__num_configs=7))
    assert continue_sweep(sweep) == []
    assert layout.spec.read_bytes() == before


def test_a_kill_between_the_files_of_a_growth_leaves_both_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = begin(checked_sweep(tmp_path))
    larger = checked_sweep(tmp_path, seeds__confirm=3)
    monkeypatch.setattr(manifest_module, "digested_text", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        continue_sweep(larger)
    monkeypatch.undo()
    assert load_stored_spec(layout).seeds.confirm == 2
    assert continue_sweep(larger) == ["seeds.confirm 3 instead of 2"]
    assert load_stored_spec(layout).seeds.confirm == 3
