"""Jobs under Ray Tune, and the session that trains a run and records it. Which job comes next is decided in `jobs`.

| file | what it is |
|---|---|
| `block_session.py` | One attempt at a job: the runs of its block, side by side, an epoch each at a time |
| `epoch_rows.py` | Rows of the epochs table, from what the trainer says of an epoch |
| `interruption.py` | Ctrl-C and SIGTERM: once asks for a clean end, twice ends at once |
| `machine.py` | Where the runs of a sweep go: a private Ray on this machine, or a cluster that was named |
| `retries.py` | Runs that a fault of the machine ended, and when they are started again |
| `run_session.py` | One attempt at a run: it trains, and makes every epoch durable before anyone hears of it |
| `runner.py` | Running jobs under Ray Tune: which trial runs when and where is Ray's, what is true is in the records |
| `shares.py` | Which share of a node each job gets: what was given or measured, and more for what outgrew it |
| `trainable.py` | A job as Ray Tune sees it: a class trainable whose actor is reused from job to job |
| `tune_hooks.py` | Which of Ray Tune's waiting trials takes a process that has become free |
"""

__all__ = ["machine", "retries", "run_session", "runner", "shares"]
