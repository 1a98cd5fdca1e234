"""What a plan says of the search: what is wanted, what is fixed or follows, what is tried first, what it learns from,
when it cuts.
"""

from __future__ import annotations

from results.records.objectives import Goals
from sweeps.search.early_stopping import num_brackets, patience, rungs
from sweeps.spec.search_section import CONSTRAINT_AWARE
from sweeps.spec.sweep_spec import SweepSpec


def search_lines(spec: SweepSpec, max_epochs: int) -> list[tuple[str, str]]:
    """Titles and texts, one for each thing that the sweep has."""
    lines = []
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


def goal_lines(goals: Goals, spec: SweepSpec) -> list[tuple[str, str]]:
    """What is wanted beside a good score, and what follows from it; nothing where that is all."""
    lines = list(goals.described().items())
    notes = []
    if goals.worst_missing:
        notes.append("each new best is validated three more times, without one modality")
    if "seconds" in goals.measures:
        notes.append("seconds depend on the machine, and so do proposals and choices made from them")
    if goals.constraints and spec.search.sampler not in CONSTRAINT_AWARE:
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
