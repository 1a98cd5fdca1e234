"""What is to be trained next: the jobs of the search, the confirmation and the evaluation, from records alone. Running
them is in `execution`.

| file | what it is |
|---|---|
| `chain.py` | The jobs of several phases as those of one source, so that the processes that train live on from phase to phase |
| `confirm.py` | The confirmation's runs: the best of the search race on fresh seeds, by the rule of `results.ranking.confirmation_race` |
| `evaluate.py` | The phases of a sweep and the jobs in each, derived from records: what is done is never done again |
| `job.py` | A job: what one trial does, in the plain form in which it travels to the process that trains |
| `observer.py` | Who is told how the runs of a sweep go |
| `retry_failed.py` | Runs that ended for a cause that may be mended, opened again: a file that was missing, a limit that was too low |
| `reuse.py` | Taking runs over that other sweeps of the same storage have finished, instead of training them again |
| `run_lock.py` | The lock of a run: whoever writes its records holds it, so that no two processes ever train one run |
| `search.py` | The search as a source of jobs: one proposal after another, each in blocks of seeds |
| `source.py` | Where jobs come from, and the plainest such place: a list of them |
"""

__all__ = [
    "chain",
    "confirm",
    "evaluate",
    "job",
    "observer",
    "retry_failed",
    "reuse",
    "run_lock",
    "search",
    "source",
]
