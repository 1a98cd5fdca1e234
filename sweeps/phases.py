"""The phases of a sweep and the jobs in each, derived from records: what is done is never done again.

search      every proposal with the search seed
confirm     the best of them, and the paper's default, with fresh seeds
select      by the mean over the fresh seeds, validation only (`results.selection`)
debias      constants and weights for the runs of the selected configuration, validation only, without training
            (`sweeps.debiasing_phase`)
evaluate    the undebiased twin of the selected configuration with the same seeds; then the test split is opened
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from causalmer_core.config import RunConfig
from causalmer_core.errors import UserError
from causalmer_core.identity import config_id, identity
from results.final_evaluation import PAPER, SELECTED, UNDEBIASED
from results.histories import RunHistory
from results.records import RunState
from sweeps.configurations import nested_leaves
from sweeps.jobs import Job
from sweeps.spec import SweepSpec

PHASES = ("search", "confirm", "evaluate")
"""The phases that train, in their order; the name is each run's `phase`."""


def best_candidates(
    histories: Iterable[RunHistory], spec: SweepSpec, *, higher_is_better: bool
) -> list[RunHistory]:
    """The search's best finished runs, `seeds.top_k` at most, the best first; ties go to the earlier proposal.

    Raises:
        UserError: no run of the search finished.
    """
    searched = [history for history in histories if history.phase == "search"]
    finished = [h for h in searched if h.state is RunState.FINISHED and h.score is not None]
    if not finished:
        raise UserError("no run of the search finished, so there is nothing to confirm; " + _ends(searched))
    sign = -1.0 if higher_is_better else 1.0
    finished.sort(key=lambda history: (sign * (history.score or 0.0), history.number or 0))
    return finished[: spec.seeds.top_k]


def confirm_jobs(
    spec: SweepSpec, candidates: Sequence[RunHistory], histories: Iterable[RunHistory], paper: RunConfig
) -> list[Job]:
    """The candidates and the paper's default with every confirmation seed.

    Jobs are ordered by seed, so that a sweep cut short has compared all on the first seeds. The paper's default is a
    candidate like the others where the search has proposed it.
    """
    proposed = {h.key.config_id: h for h in histories if h.phase == "search"}
    chosen = {history.key.config_id: history for history in candidates}
    seeds = spec.seed_plan().confirm
    jobs = []
    paper_id = config_id(paper)
    for seed in seeds:
        jobs += [_candidate_job(history, seed) for history in chosen.values()]
        if paper_id in chosen:
            continue
        if paper_id in proposed:
            jobs.append(_candidate_job(proposed[paper_id], seed))
        else:
            jobs.append(_contender_job(spec, paper, seed, phase="confirm", role="paper"))
    return jobs


def undebiased_jobs(spec: SweepSpec, selected: RunConfig) -> list[Job]:
    """The selected configuration's backbone alone, with every confirmation seed."""
    twin = spec.undebiased(selected)
    return [
        _contender_job(spec, twin, seed, phase="evaluate", role="undebiased")
        for seed in spec.seed_plan().confirm
    ]


def contenders(spec: SweepSpec, selected: RunConfig) -> dict[str, str]:
    """Whom the final evaluation compares: the configuration of each, by contender."""
    paper = spec.paper_config(selected.data.fingerprint)
    return {
        SELECTED: config_id(selected),
        PAPER: config_id(paper),
        UNDEBIASED: config_id(spec.undebiased(selected)),
    }


def most_runs(spec: SweepSpec) -> dict[str, int]:
    """How many runs each phase has at most."""
    confirm = len(spec.seed_plan().confirm)
    limit = spec.budget.runs
    search = spec.num_configs if limit is None else min(limit, spec.num_configs)
    return {
        "search": search,
        "confirm": (min(spec.seeds.top_k, search) + 1) * confirm,
        "evaluate": confirm,
    }


def _candidate_job(history: RunHistory, seed: int) -> Job:
    return Job(
        config=RunConfig.model_validate(history.config),
        seed=seed,
        phase="confirm",
        role="candidate",
        number=history.number,
        values=history.values,
    )


def _contender_job(spec: SweepSpec, config: RunConfig, seed: int, *, phase: str, role: str) -> Job:
    """A job outside the search; of the searched parameters it has those that its outcome depends on."""
    found = nested_leaves(identity(config))
    space = spec.bound_space()
    values = {path: found[path] for path in space.paths if path in found}
    present = {path: value for path, value in values.items() if space.is_present(path, values)}
    return Job(config=config, seed=seed, phase=phase, role=role, values=present)


def _ends(histories: Sequence[RunHistory]) -> str:
    """How runs ended, with the first reason."""
    if not histories:
        return "no run was started"
    reasons = [
        f"{h.key.stem} {h.state.value}: {h.reason.strip().splitlines()[-1]}" for h in histories if h.reason
    ]
    return f"{len(histories)} runs ended otherwise" + (f", the first as {reasons[0]}" if reasons else "")
