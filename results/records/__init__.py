"""The records of a sweep: journals, manifest, Parquet tables and the read side. What is concluded from them is in
`ranking` and `evaluation`.

| file | what it is |
|---|---|
| `compaction.py` | From journals to Parquet: one file a table, a pure function of the journals |
| `confirmation_rules.py` | The rules of the confirmation: how many seeds the best configurations of the search run on, and when one is out |
| `dataset.py` | The read side: a sweep's tables as pandas frames, brought up to its journals first |
| `histories.py` | The canonical view of the runs of a sweep: all attempts at a run, read as one history |
| `journal.py` | A crash-safe journal: rows that were acknowledged outlive kills, torn writes and full disks |
| `layout.py` | Where things lie in the folder of a sweep |
| `locate.py` | From what a user gives as `storage`, a folder or an address on an object store, to the sweep in it |
| `manifest.py` | The manifest of a sweep: its identity, the columns of its tables, and where its numbers come from |
| `objectives.py` | What a sweep wants: the monitored metric, further objectives, and constraints |
| `predictions_table.py` | What each sample of the test split was predicted as, by each run of a contender: the table `predictions`, read |
| `provenance.py` | Where numbers come from: versions, the commit, and the few variables of the environment that they may depend on |
| `run_journal.py` | The journal of one attempt at a run: a start line, a line an epoch, an end line |
| `schemas.py` | Records: the keys of runs, their states, and the schemas of the tables |
"""

__all__ = [
    "compaction",
    "confirmation_rules",
    "dataset",
    "histories",
    "journal",
    "layout",
    "locate",
    "manifest",
    "objectives",
    "predictions_table",
    "run_journal",
    "schemas",
]
