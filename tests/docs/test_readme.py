"""What the README and the pages beside it say of files, commands and keys is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel
from tiny_data import tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.config.backbone_config import BUILT_IN
from causalmer_core.datasets.batches import Batches
from causalmer_core.models.emotion_model import input_shape
from cluster.resources.trial_resources import TrialResources
from results.records.confirmation_rules import RaceRule
from results.records.layout import SweepLayout
from sweeps.cli.commands import COMMANDS, load
from sweeps.spec.configurations import leaves
from sweeps.spec.search_section import AshaScheduler, SearchSection
from sweeps.spec.sections import (
    BudgetSection,
    DataSection,
    DebiasingSection,
    EvaluationSection,
    FailureSection,
    SeedsSection,
    SelectionSection,
    TrackingSection,
)
from sweeps.spec.sweep_spec import SweepSpec, load_spec
from sweeps.spec.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "sweep_yaml.md").read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def tree(block: str) -> Iterator[str]:
    """The paths of an annotated tree: two spaces a level, and two between names and what they are."""
    folder = ""
    for line in block.splitlines():
        names = line.strip().split("  ")[0].split()
        if not line.startswith(" "):
            folder = names[0] if names[0].endswith("/") else ""
            yield from names
        else:
            yield from (folder + name for name in names)


def test_every_name_in_the_tree_of_a_sweep_is_a_place_of_its_layout(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(README, "text") if block.startswith("causalmer_runs/")]
    layout = SweepLayout(tmp_path)
    known = {layout.table(name) for name in ("epochs", "runs", "evaluations")}
    known |= {
        layout.report,
        layout.selection,
        layout.spec,
        layout.manifest,
        layout.log,
        layout.ray,
        layout.study,
    }
    known |= {layout.proposals.parent, layout.predictions, tmp_path / "checkpoints"}
    named = {tmp_path / path.split("/", 2)[2].rstrip("/") for path in tree(block) if not path.endswith(">/")}
    assert named == known


def test_every_link_leads_to_a_file() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_every_command_in_the_readme_is_one() -> None:
    known = {name: load(name) for name in COMMANDS}
    called = set(re.findall(r"(?<!from )causalmer (\w+)(?: ([\w|]+))?", " ".join(README.split())))
    assert {first for first, _ in called} >= {"run", "resume", "plan", "status", "data", "results"}
    for first, second in called:
        assert first in known, first
        below = getattr(known[first], "commands", {})
        assert set(second.split("|")) <= set(below) or not below, f"{first} {second}"


def test_the_readme_fits_two_screens() -> None:
    assert len(README.splitlines()) <= 125


def test_the_glossary_has_at_most_twenty_terms() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([\w -]+?) \|", page, re.MULTILINE)
    assert terms[0] == "term"
    assert len(terms) <= 21


def test_every_make_target_in_the_readme_is_one() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make (quickstart|test|lint|constraints)\b", README)) <= targets


@pytest.mark.parametrize(
    "block",
    [*blocks(README, "yaml"), *blocks(REFERENCE, "yaml")],
    ids=["readme", "reference", "editor", "linked", "goals", "folds"],
)
def test_a_sweep_that_is_shown_is_valid(block: str, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(block, encoding="utf-8")
    load_spec(file)


def test_the_reference_shows_every_key_with_its_default(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(blocks(REFERENCE, "yaml")[0], encoding="utf-8")
    shown = read_yaml(file).tree
    sections: dict[str, type[BaseModel]] = {
        "search": SearchSection,
        "scheduler": AshaScheduler,
        "seeds": SeedsSection,
        "confirmation": RaceRule,
        "selection": SelectionSection,
        "debiasing": DebiasingSection,
        "evaluation": EvaluationSection,
        "resources": TrialResources,
        "failure": FailureSection,
        "budget": BudgetSection,
        "tracking": TrackingSection,
    }
    assert set(shown) == set(SweepSpec.model_fields)
    assert shown["reuse"] is SweepSpec.model_fields["reuse"].default
    assert set(shown["data"]) == set(DataSection.model_fields)
    for name, section in sections.items():
        assert shown[name] == section().model_dump(mode="json"), name


def test_the_reference_names_every_value_of_a_configuration() -> None:
    section = REFERENCE.partition("## The configuration of a run")[2]
    named = set(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))
    paths = [path for cell in named for path in re.findall(r"`([\w.]+)`", cell)]
    known = leaves(SweepSpec.model_validate({"name": "a", "data": {"name": "b"}}).configurations.base)
    missing = [path for path in known if not any(path == p or path.startswith(f"{p}.") for p in paths)]
    assert missing == ["data.fingerprint"]
    assert [path for path in paths if not any(k == path or k.startswith(f"{path}.") for k in known)] == []


def test_every_option_of_every_backbone_is_documented() -> None:
    text = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")]
    documented: dict[str, set[str]] = {}
    for backbones, options in rows:
        for name in BUILT_IN if backbones.strip() == "all" else re.findall(r"`(\w+)`", backbones):
            documented.setdefault(name, set()).update(re.findall(r"`(\w+)`", options))
    for name, config in BUILT_IN.items():
        assert documented[name] == set(config.model_fields) - {"name"}, name


def test_the_backbone_that_is_shown_works() -> None:
    text = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    (code,) = blocks(text, "python")
    shown: dict[str, Any] = {"__name__": "shown"}
    exec(compile(code, "docs/backbones.md", "exec", dont_inherit=True), shown)
    data = tiny_data(TaskKind.EMOTIONS)
    (batch,) = Batches(data.valid, None, size=99, device=torch.device("cpu"))()
    output = shown["MeanPool"](shown["MeanPoolConfig"](), input_shape(data))(batch)
    assert output.logits.shape == (len(data.valid), data.task.num_outputs)
