"""The records of a sweep: journals, manifest, Parquet tables, and the code that reads them. Conclusions drawn from
the records are in `ranking` and `evaluation`.

| file | what it is |
|---|---|
| `compaction.py` | Compaction: the Parquet tables, one file each, as a pure function of the journals |
| `confirmation_rules.py` | The rules of the confirmation, which eliminate configurations seed by seed |
| `dataset.py` | Reading a sweep: its tables as pandas frames, up to date with its journals |
| `histories.py` | Run histories: all attempts at a run, read from their journals as one history |
| `layout.py` | The layout of a sweep's folder |
| `locate.py` | Finding a sweep in a `storage`: a folder, or an address on an object store |
| `manifest.py` | The manifest of a sweep: its identity, the columns of its tables, and its provenance |
| `objectives.py` | The objectives of a sweep: the monitored metric, further objectives, and constraints |
| `predictions_table.py` | Reading the table `predictions`: each test sample's prediction by each run of a contender |
| `provenance.py` | Provenance: the versions, the commit and the environment variables that numbers may depend on |
| `run_journal.py` | The journal of one attempt at a run: a start line, one line per epoch, an end line |
| `schemas.py` | The keys of runs, their states, and the schemas of the tables |
| `seals.py` | Seals: the journals of a sweep with their lengths and checksums, so that none is lost unnoticed |
"""

__all__ = [
    "compaction",
    "confirmation_rules",
    "dataset",
    "histories",
    "layout",
    "locate",
    "manifest",
    "objectives",
    "predictions_table",
    "run_journal",
    "schemas",
    "seals",
]
