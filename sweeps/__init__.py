"""A sweep: from its YAML file to its report. Single runs are trained by `causalmer_core`, and records are kept by
`results`.

| file | what it is |
|---|---|
| `cli/` | The command `causalmer`: arguments in, tables out |
| `configs/` | Sweeps to start from |
| `debiasing/` | The phase after training: constants and weights for the selected configuration, chosen on validation |
| `driver.py` | The driver of a sweep: all phases, from the first proposal or the last record to the report |
| `execution/` | Jobs under Ray Tune, and the session that trains a run and records it |
| `gpu_memory/` | How much of a GPU each run gets: measured on the largest configuration |
| `jobs/` | Which job comes next in the search, the confirmation and the evaluation, derived from records alone |
| `progress/` | What is shown of a running sweep: the live table, lines, trackers |
| `search/` | Proposals, early stopping and the budget of the search, all repeatable from records |
| `setup/` | Before the first job: the checks, the plan and the sweep's folder |
| `space/` | The search space: parameters, conditions and references between them |
| `spec/` | The sweep's YAML file: sections, includes, checks, and the configurations that follow from it |
"""

__all__ = ["cli", "debiasing", "driver", "execution", "jobs", "search", "setup", "spec"]
