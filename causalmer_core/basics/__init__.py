"""Shared terms: errors, whole files, modalities, tasks, names and random streams.

Nothing here depends on a model or on data.

| file | what it is |
|---|---|
| `digests.py` | Digests inside files: a reader gets what was written, or an error that names file, damage and remedy |
| `errors.py` | Errors that a user can mend |
| `faults.py` | Errors that are faults of the machine and are retried; all others are the run's own |
| `files.py` | Files written whole: a reader meets the old file or the new one, never half of one |
| `modality.py` | The three modalities, and the batch that carries them |
| `packages.py` | The packages of this distribution, and a check that Python imports these and no others |
| `seeding.py` | Named random streams |
| `task.py` | The task of a data set: the form of its labels and of the model's outputs |
| `validation.py` | Rules for inputs: names that become part of a path, and strict configuration |
"""

__all__ = ["digests", "errors", "faults", "files", "modality", "packages", "seeding", "task", "validation"]
