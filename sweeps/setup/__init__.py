"""Before the first job: the checks, the plan and the sweep's folder. Training is in `execution`.

| file | what it is |
|---|---|
| `plan.py` | The plan of a sweep: its runs, and its estimated time from a few measured steps |
| `preflight.py` | The checks before the first trial: the data, the metric, the model, the storage |
| `sweep_folder.py` | The folder of a sweep: made when it begins, compared with its file when it continues |
"""

__all__ = ["plan", "preflight", "sweep_folder"]
