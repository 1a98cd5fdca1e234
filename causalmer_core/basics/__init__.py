"""Terms that everything else is written in: errors, modalities, tasks, names and random streams. Nothing here depends on
a model or on data.

| file | what it is |
|---|---|
| `errors.py` | Errors that a user can mend: one class, so that the command line shows them without a traceback |
| `faults.py` | Which errors are faults of the machine, to be tried again, and which are the run's own and would repeat |
| `modality.py` | The three modalities, and the batch that carries them |
| `packages.py` | The packages of this distribution, and whether another one's stand in their way |
| `seeding.py` | Named random streams |
| `task.py` | What is predicted: the form of the labels and of the model's outputs |
| `validation.py` | Names that become part of a path: one rule for data sets, sweeps and everything else a user may name |
"""

__all__ = ["errors", "faults", "modality", "packages", "seeding", "task", "validation"]
