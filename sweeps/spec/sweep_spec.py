"""A sweep as its YAML file describes it, and how the file is loaded and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, field_validator, model_validator

from causalmer_core.basics.errors import KeyPath, UserError, invalid
from causalmer_core.basics.task import Task
from causalmer_core.basics.validation import Frozen
from causalmer_core.config.method_version import MethodVersion
from causalmer_core.config.run_config import merged
from cluster.resources.trial_resources import TrialResources
from results.ranking.selection_rules import RULES
from results.records.confirmation_rules import ConfirmationRule, RaceRule
from results.records.layout import SweepLayout
from results.records.manifest import read_spec_text
from results.records.objectives import Objectives
from sweeps.space.entries import Entry
from sweeps.space.parameters import Parameter, Value
from sweeps.space.search_space import SearchSpace
from sweeps.spec.checks import (
    base_problems,
    number_problems,
    paper_problems,
    space_problems,
    synthetic_problems,
)
from sweeps.spec.configurations import Configurations
from sweeps.spec.includes import BY_DOTTED_PATH, merged_trees, read_sweep_file
from sweeps.spec.objective_section import ConstraintEntry, ObjectiveEntry, objectives_of
from sweeps.spec.problems import Problem, SpecMismatchError, invalid_key, problems_of, shown
from sweeps.spec.renamed_keys import renamed_problems, with_new_keys
from sweeps.spec.search_checks import first_points, objective_problems, search_problems
from sweeps.spec.search_section import LARGEST_GRID, AshaScheduler, Scheduler, SearchSection
from sweeps.spec.sections import (
    BudgetSection,
    DataSection,
    DebiasingSection,
    EvaluationSection,
    FailureSection,
    SafeName,
    SeedsSection,
    SelectionSection,
    StoragePlace,
    TrackingSection,
)
from sweeps.spec.seed_plan import SeedPlan
from sweeps.spec.yaml_file import YamlFile, write_yaml

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


class SweepSpec(Frozen):
    """A sweep.

    Attributes:
        name: the name of the sweep and of its folder below `storage`.
        data: the data set.
        storage: the folder of all sweeps, relative to the working directory unless absolute; or an address on an object
            store, `s3://bucket/prefix` or `gs://bucket/prefix`, with options of pyarrow behind a `?`.
        method: `corrected` (default), or `published` for the published form of the method (see
            `causalmer_core.config.method_version`). Values of `base` override its options.
        base: the fixed part of every configuration, a nested mapping merged into the published defaults.
        space: the searched parameters. Empty: one configuration.
        objectives: the measures to optimise, the monitored metric first. Empty (default): the monitored metric alone.
        constraints: the limits that a configuration must meet to be confirmed and selected.
        search: how configurations are proposed.
        scheduler: early stopping of weak trials.
        seeds: the numbers of seeds of each phase.
        confirmation: how many of the confirmation's seeds the best configurations get.
        paper_default: values by dotted path for the contender "paper", on top of `base`. Searched values that are not
            given here take their published defaults.
        selection: how a configuration is selected.
        debiasing: constants and weights chosen after training.
        evaluation: ablations of the runs that are evaluated on the test split.
        resources: the resources of each trial.
        failure: reactions to failures of runs and of the machine.
        budget: limits of the search.
        tracking: trackers that show runs.
        reuse: whether finished runs of other sweeps below `storage` are reused instead of trained again.
    """

    name: SafeName
    data: DataSection
    storage: StoragePlace = "causalmer_runs"
    method: MethodVersion = "corrected"
    base: dict[str, Any] = Field(default_factory=dict)
    space: SearchSpace = SearchSpace()
    objectives: tuple[ObjectiveEntry, ...] = ()
    constraints: tuple[ConstraintEntry, ...] = ()
    search: SearchSection = SearchSection()
    scheduler: Scheduler = AshaScheduler()
    seeds: SeedsSection = SeedsSection()
    confirmation: ConfirmationRule = RaceRule()
    paper_default: dict[str, Any] = Field(default_factory=dict)
    selection: SelectionSection = SelectionSection()
    debiasing: DebiasingSection = DebiasingSection()
    evaluation: EvaluationSection = EvaluationSection()
    resources: TrialResources = Field(default=TrialResources())
    failure: FailureSection = FailureSection()
    budget: BudgetSection = BudgetSection()
    tracking: TrackingSection = TrackingSection()
    reuse: bool = True

    @field_validator("search")
    @classmethod
    def _whole_grid(cls, search: SearchSection, info: ValidationInfo) -> SearchSection:
        """The section with the size of the grid as `num_configs`, if the file does not give it."""
        space = info.data.get("space")
        if search.sampler != "grid" or space is None or "num_configs" in search.model_fields_set:
            return search
        size = space.size() or 0  # the check of the sampler reports a continuum
        if size > LARGEST_GRID:
            what = f"the sampler 'grid' tries every configuration, and the space has {size}"
            allowed = f"at most {LARGEST_GRID} without search.num_configs; give it, or larger steps, or another sampler"
            raise invalid(what, allowed)
        whole = search.model_copy(update={"num_configs": max(size, search.num_configs)})
        whole.model_fields_set.discard("num_configs")  # the file still does not give it
        return whole

    @model_validator(mode="after")
    def _top_k_fits(self) -> Self:
        if self.seeds.top_k > self.search.num_configs:
            what = f"confirms {self.seeds.top_k} of {self.search.num_configs} configurations (search.num_configs)"
            raise invalid_key(what, f"up to {self.search.num_configs}", ("seeds", "top_k"), self.seeds.top_k)
        return self

    @model_validator(mode="after")
    def _rule_has_its_seeds(self) -> Self:
        rule, seeds = RULES[self.selection.rule], self.seeds.confirm or self.seeds.search
        if seeds < rule.least_seeds:
            what = f"needs {rule.least_seeds} seeds to see how scores spread, and seeds.confirm is {self.seeds.confirm}"
            raise invalid_key(what, "best_mean, or a larger seeds.confirm", ("selection", "rule"), rule.name)
        return self

    @cached_property
    def configurations(self) -> Configurations:
        """The configurations of the sweep's runs, before the data set is known."""
        return Configurations(self.base, self.method, self.space, self.paper_default, self.data.split)

    @cached_property
    def first_points(self) -> list[dict[str, Value]]:
        """The first proposals, whatever the sampler: the paper's default and the listed points."""
        return first_points(self.search, self.configurations)

    @property
    def num_configs(self) -> int:
        """The number of different configurations that the search can propose; at most the size of the space."""
        if self.search.sampler == "list":
            return len(self.first_points)
        size = self.space.size()
        return self.search.num_configs if size is None else min(size, self.search.num_configs)

    @property
    def num_proposals(self) -> int:
        """The number of proposals of the search. Lists and grids end; other samplers may repeat a configuration."""
        return self.num_configs if self.search.sampler in ("grid", "list") else self.search.num_configs

    @property
    def configurations_text(self) -> str:
        """The number of configurations that the search tries, in words, with the size of a larger grid."""
        size = self.space.size()
        if self.search.sampler == "grid" and size is not None and size > self.num_configs:
            return f"{self.num_configs} of {size} points, in the grid's order"
        return f"{self.num_configs} configurations"

    def with_base(self, change: Mapping[str, Any]) -> SweepSpec:
        """The sweep with a nested mapping merged into its fixed part."""
        changed = self.model_copy(update={"base": merged(self.base, change)})
        for name in (
            "configurations",
            "first_points",
        ):  # a copy has the values that followed from the old base
            changed.__dict__.pop(name, None)
        return changed

    def seed_plan(self) -> SeedPlan:
        """The seeds of each phase."""
        seeds = self.seeds
        return SeedPlan.counted(seeds.search, seeds.confirm, seeds.evaluate, seeds.first)

    def objectives_for(self, task: Task) -> Objectives:
        """The objectives and constraints as the records name them.

        Raises:
            SpecMismatchError: the task has no such metric.
        """
        monitor = self.configurations.base.trainer.monitor
        return objectives_of(monitor, self.objectives, self.constraints, task)

    def search_blocks(self) -> tuple[tuple[int, ...], ...]:
        """The search's seeds in blocks; one trial trains a block side by side."""
        return self.seed_plan().search_blocks(self.seeds.block_size)


def load_spec(path: Path | str, overrides: Mapping[str, Any] | None = None) -> SweepSpec:
    """Read and check a sweep's file.

    Args:
        path: the YAML file.
        overrides: values by dotted key (`search.num_configs`, `space.loss.alpha`) in place of the file's. A mapping is
            merged into the file's value; a parameter of `space` is replaced.

    Raises:
        UserError: the file cannot be read, or it has problems. Each problem is a line,
            `FILE:LINE: key: what; given ...; allowed ...`.
    """
    source = read_sweep_file(path)
    tree = source.tree
    for key, value in (overrides or {}).items():
        tree = _overridden(tree, _split(key), value)
    spec, problems = _checked(tree)
    if renamed := [*renamed_problems(tree)]:
        paths = [problem.path for problem in renamed]
        problems = [*renamed, *(problem for problem in problems if problem.path not in paths)]
    if spec is None or problems:
        places = [_split(key) for key in overrides or {}]
        problems.sort(key=lambda problem: (source.is_included(problem.path), source.line_of(problem.path)))
        raise UserError("\n".join(problem.line(_place(problem.path, source, places)) for problem in problems))
    return spec


def load_stored_spec(layout: SweepLayout) -> SweepSpec:
    """Read and check the copy of a sweep's file in the sweep's folder, which an earlier version may have written.

    Raises:
        DamagedFileError: the file is not what was written.
        UserError: the file cannot be read, or it has problems.
    """
    read_spec_text(layout)  # checks that the file is what was written
    source = read_sweep_file(layout.spec)
    spec, problems = _checked(with_new_keys(source.tree))
    if spec is None or problems:
        raise UserError("\n".join(problem.line(source.place_of(problem.path)) for problem in problems))
    return spec


def located(error: SpecMismatchError, path: Path | str, overrides: Mapping[str, Any]) -> UserError:
    """The error with the file and the line of its key in front of each of its lines."""
    place = _place(error.path, read_sweep_file(path), [_split(key) for key in overrides])
    return UserError("\n".join(f"{place}: {line}" for line in str(error).splitlines()))


def to_yaml(spec: SweepSpec) -> str:
    """The sweep as YAML with every default written out, except the defaults inside parameters of the space."""
    tree = spec.model_dump(mode="json", by_alias=True)
    tree["data"] = {key: value for key, value in tree["data"].items() if value is not None}
    tree["space"] = {
        path: spec.space[path].model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for path in spec.space.root
    }
    return write_yaml(tree)


def changed_values(old: SweepSpec, new: SweepSpec) -> dict[str, tuple[Any, Any]]:
    """The old and the new value of each dotted key that differs, sorted by key; `...` for a key that is missing."""
    before, after = _flat(old), _flat(new)
    pairs = {key: (before.get(key, ...), after.get(key, ...)) for key in sorted(before.keys() | after.keys())}
    return {key: (was, now) for key, (was, now) in pairs.items() if was != now}


def _checked(tree: dict[str, Any]) -> tuple[SweepSpec | None, list[Problem]]:
    """The sweep, and all problems of its tree. A problem in one section does not hide problems in other sections."""
    spec, problems = None, []
    try:
        spec = SweepSpec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        problems = problems_of(error, SweepSpec, tree)
    problems += synthetic_problems(tree.get("data"))
    known = [problem.path for problem in problems]
    numbers = [problem for problem in number_problems(tree) if problem.path not in known]
    base, overrides = tree.get("base", {}), tree.get("paper_default", {})
    if numbers or not isinstance(base, dict):  # the other checks compute with the numbers
        return spec, problems + numbers
    if spec is None:
        configurations = Configurations(base, unbound=_usable_part(tree.get("space")), overrides=overrides)
    else:
        configurations = spec.configurations
    # Each check builds on values that the one before it found valid.
    wrong = base_problems(configurations)
    if not wrong:
        if spec is not None:
            problems += _objective_problems(spec, configurations.base.trainer.monitor, tree)
        wrong = space_problems(configurations)
    if not wrong and isinstance(overrides, dict):
        wrong = paper_problems(configurations)
    if not wrong and spec is not None:
        wrong = search_problems(spec.search, configurations)
    return spec, problems + wrong


def _objective_problems(spec: SweepSpec, monitor: str, tree: dict[str, Any]) -> list[Problem]:
    rules = (spec.search, spec.scheduler, spec.confirmation, spec.selection)
    return objective_problems(spec.objectives, spec.constraints, monitor, *rules, given=tree)


def _usable_part(space: Any) -> SearchSpace:
    """The valid unconditional parameters of a space that may be invalid, to check them further."""
    usable: dict[str, Entry] = {}
    for path, given in space.items() if isinstance(space, dict) else ():
        try:
            entry = _ENTRY.validate_json(json.dumps(given))
        except ValidationError:
            continue  # the check of the whole file has reported it
        if isinstance(entry, Parameter) and not entry.when:
            usable[path] = entry
    return SearchSpace(usable)


def _split(key: str) -> tuple[str, ...]:
    section, _, rest = key.partition(".")
    return (section, rest) if rest and section in BY_DOTTED_PATH else tuple(key.split("."))


def _overridden(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return merged_trees(tree, value)


def _place(path: KeyPath, source: YamlFile, overridden: Iterable[KeyPath]) -> str:
    """The file and the line of a key, or the override that it comes from."""
    if any(path[: len(other)] == other for other in overridden):
        return "--set"
    return source.place_of(path)


def _flat(spec: SweepSpec) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def collect(node: Any, path: KeyPath) -> None:
        if isinstance(node, dict) and node:
            for key, below in node.items():
                collect(below, (*path, key))
        else:
            found[".".join(map(str, path))] = shown(node) if node == {} else node

    collect(spec.model_dump(mode="json", by_alias=True), ())
    return found
