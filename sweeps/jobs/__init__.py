"""Which job comes next in the search, the confirmation and the evaluation, derived from records alone.

Running the jobs is in `execution`.

| file | what it is |
|---|---|
| `chain.py` | One job source for several phases, so that training processes are reused from phase to phase |
| `confirm.py` | The confirmation's runs: the best configurations of the search race on fresh seeds |
| `evaluate.py` | The phases of a sweep, and the jobs of the final evaluation, derived from records |
| `job.py` | A job: a configuration and its seeds, in plain values that are sent to the training process |
| `lost_weights.py` | Reopens finished runs whose weights cannot be used, although an evaluation needs them |
| `observer.py` | The events of a sweep: protocols of objects that are notified of runs and of proposals |
| `reopen.py` | Reopens a run that has ended, so that it is trained again |
| `retry_failed.py` | Reopens runs that failed for a cause outside of them, such as a missing file or a low limit |
| `reuse.py` | Reuses runs that other sweeps of the same storage have finished, instead of training them again |
| `run_lock.py` | The lock of a run, held while its records are written: two processes never train one run |
| `search.py` | The search as a source of jobs: one proposal after another, each in blocks of seeds |
| `source.py` | The interface of job sources, and the simplest source: a list of jobs |
"""

__all__ = [
    "chain",
    "confirm",
    "evaluate",
    "job",
    "lost_weights",
    "observer",
    "reopen",
    "retry_failed",
    "reuse",
    "run_lock",
    "search",
    "source",
]
