"""What `causalmer plan` shows: what would run, with what, and for how long at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.resources.trial_resources import ANY, TrialResources
from results.records.objectives import Objectives
from results.report.table import Table, facts
from sweeps.progress.status_text import clock_time
from sweeps.search.early_stopping import num_brackets, patience, rungs
from sweeps.setup.plan import Plan
from sweeps.spec.search_section import CONSTRAINT_AWARE
from sweeps.spec.sections import DebiasingSection
from sweeps.spec.sweep_spec import SweepSpec

MOST_SEEDS = 8
"""More seeds are named by the first and the last."""


def plan_table(plan: Plan) -> Table:
    """A line for each thing that a plan says; the numbers in it are also its raw values."""
    spec = plan.sweep.spec
    size = "a continuum" if plan.space_size is None else f"{plan.space_size} configurations"
    seeds = spec.seed_plan()
    resources = f"{_asked(spec.resources)} a run; {plan.workers} at once"
    lines: list[tuple[Any, ...]] = [
        ("sweep", f"{spec.name} in {plan.sweep.layout.place}"),
        ("data", f"{plan.sweep.data.name}, fingerprint {plan.sweep.data.fingerprint[:16]}"),
        ("space", f"{len(spec.space.searched_paths)} parameters, {size}", plan.space_size),
        (
            "search",
            f"at most {plan.runs['search']} runs by {spec.search.sampler} with {_seeds(seeds.search)}{_blocks(spec)}",
            plan.runs["search"],
        ),
        *objective_lines(plan.sweep.objectives, spec),
        *search_lines(spec, plan.max_epochs),
        ("confirm", _confirmation(plan), plan.runs["confirm"]),
        (
            "evaluate",
            f"at most {plan.runs['evaluate']} runs of the selected configuration, the paper's default and the "
            f"undebiased twin with {_seeds(seeds.evaluate)}, then the test split",
            plan.runs["evaluate"],
        ),
        ("debias", _after_training(spec.debiasing)),
        ("resources", resources, {**spec.resources.model_dump(), "at_once": plan.workers}),
        ("epochs", f"at most {plan.max_epochs} a run", plan.max_epochs),
    ]
    for name, cost in plan.costs.items():
        pace = f"{cost.step_seconds * 1000:.0f} ms a step, {cost.epoch_seconds:.1f} s an epoch"
        lines.append((name, f"{pace}, {cost.parameters:,} parameters", cost))
    text = f"at most about {clock_time(plan.seconds)} by steps measured on this CPU; starting processes comes on top"
    lines.append(("time", text, plan.seconds))
    return facts("plan", "", lines, [f"note: {warning}" for warning in plan.sweep.method_warnings])


def search_lines(spec: SweepSpec, max_epochs: int) -> list[tuple[str, str]]:
    """Titles and texts, one for each thing that the sweep has."""
    lines = []
    if spec.search.sampler == "grid":
        lines.append(("grid", spec.configurations_text))
    fixed = [path for path in spec.space.paths if path not in spec.space.searched_paths]
    if fixed:
        lines.append(("fixed", "; ".join(f"{path}: {spec.space[path].described()}" for path in fixed)))
    for number, point in enumerate(spec.first_points):
        values = ", ".join(f"{path}: {value}" for path, value in point.items())
        lines.append((f"first #{number}", values or "the one configuration"))
    warm = spec.search.warm_start
    if warm is not None:
        lines.append(
            ("warm start", f"the best {warm.top} finished configurations of {warm.sweep}, in this space")
        )
    lines.append(("scheduler", _scheduler(spec, max_epochs)))
    return lines


def objective_lines(objectives: Objectives, spec: SweepSpec) -> list[tuple[str, str]]:
    """What is wanted beside a good score, and what follows from it; nothing where that is all."""
    lines = list(objectives.described().items())
    notes = []
    if objectives.worst_missing:
        notes.append("each new best is validated three more times, without one modality")
    if "seconds" in objectives.measures:
        notes.append("seconds depend on the machine, and so do proposals and choices made from them")
    if objectives.constraints and spec.search.sampler not in CONSTRAINT_AWARE:
        notes.append(f"{spec.search.sampler} proposes without a look at constraints")
    return [*lines, *(("", note) for note in notes)]


def _scheduler(spec: SweepSpec, max_epochs: int) -> str:
    scheduler = spec.scheduler
    waits = patience(scheduler)
    if waits is not None:
        return f"{scheduler.name}: a run ends after {waits} epochs without a new best"
    brackets = [rungs(scheduler, max_epochs, number) for number in range(num_brackets(scheduler, max_epochs))]
    texts = [f"epochs {', '.join(map(str, found))}" if found else "no epoch" for found in brackets]
    if len(texts) == 1:
        return f"{scheduler.name}: cuts after {texts[0]}"
    return f"{scheduler.name}: " + "; ".join(f"bracket {n} cuts after {text}" for n, text in enumerate(texts))


def _asked(resources: TrialResources) -> str:
    gpu = "a measured share of a" if resources.gpu == "auto" else f"{resources.gpu:g}"
    kind = "" if resources.accelerator == ANY else f" of type {resources.accelerator}"
    memory = "" if resources.memory == "auto" else f", {resources.memory:g} GiB"
    return f"{resources.cpu:g} CPU, {gpu} GPU{kind}{memory}"


def _confirmation(plan: Plan) -> str:
    spec = plan.sweep.spec
    if not spec.seeds.confirm:
        return "none: the search alone decides"
    rule = spec.confirmation
    words = {
        "all": "all on all",
        "halving": "halving over seeds",
        "race": f"race: the best is eliminated with a probability of at most {getattr(rule, 'max_error', 0):g}",
    }
    active = min(spec.seeds.top_k, spec.num_configs)
    seeds = _seeds(spec.seed_plan().confirm)
    return f"at most {plan.runs['confirm']} runs of the best {active} with {seeds}; {words[rule.name]}"


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > MOST_SEEDS:
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def _blocks(spec: SweepSpec) -> str:
    blocks = spec.search_blocks()
    return f", in trials of {' and '.join(str(len(block)) for block in blocks)}" if len(blocks[0]) > 1 else ""


def _after_training(section: DebiasingSection) -> str:
    if not section.methods:
        return "nothing is chosen after training"
    return f"constants and weights {' and '.join(section.methods)} after training, on validation; no runs"
