"""What happens before the first job: the checks, the plan and the sweep's folder. Nothing is trained here.

| file | what it is |
|---|---|
| `plan.py` | What a sweep would run, and about how long it would take, from a few measured steps |
| `preflight.py` | What is checked before any trial starts: the data, the metric, the model, the storage |
| `sweep_folder.py` | The folder of a sweep: made when it begins, held against the sweep's file when it goes on |
"""

__all__ = ["plan", "preflight", "sweep_folder"]
