"""Jobs under Ray Tune, and the session that trains a run and records it.

The choice of the next job is in `jobs`.

| file | what it is |
|---|---|
| `block_session.py` | One attempt at a job: the runs of its block are trained side by side, one epoch each at a time |
| `epoch_rows.py` | Rows of the epochs table, made from the trainer's results |
| `interruption.py` | Ctrl-C and SIGTERM: the first signal asks for a clean end, the second ends at once |
| `machine.py` | Where the runs of a sweep are trained: on a private Ray on this machine, or on a cluster |
| `retries.py` | Retries of jobs after faults of the machine, with a growing wait |
| `run_session.py` | One attempt at a run: it trains, and makes every epoch durable before it is reported |
| `runner.py` | Runs jobs under Ray Tune, which decides when and where they run |
| `shares.py` | The share of a node that each job gets: as planned, and a larger one after it was exceeded |
| `trainable.py` | A job as a class trainable of Ray Tune, whose actor is reused from job to job |
| `tune_hooks.py` | Hooks of Ray Tune: what processes are sent, which trial gets a free one, what ended trials hold |
"""

__all__ = ["machine", "retries", "run_session", "runner", "shares"]
