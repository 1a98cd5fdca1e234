"""Data sets: the memory-mapped store, splits, batches, folds and the synthetic data set.

Foreign files are read in `reading`.

| file | what it is |
|---|---|
| `base.py` | The types of a data set: splits of arrays, a task, and training statistics |
| `batches.py` | Batches of a split: the order of the samples, standardisation, and tensors on a device |
| `folds.py` | Folds over groups: training and validation splits that keep each group on one side |
| `labels.py` | Labels: the forms in the field's files, read into the one form of each task |
| `manifest.py` | The manifest of a stored data set: its task, its source, and the form of its arrays |
| `nonfinite.py` | NaN and infinities in features: always counted, replaced on request or as published |
| `overview.py` | An overview of a data set: the lengths of samples, and groups that lie in two splits |
| `reading/` | Readers of the field's files: features, labels, ids and lengths in our forms |
| `statistics.py` | Statistics of features over the steps that are no padding, in bounded memory |
| `store.py` | Data sets on disk: versions that never change, one `.npy` file an array, opened as checked memory maps |
| `storing/` | The files of the store: versions of a data set, checksums, and writing that is whole or not at all |
| `synthetic.py` | A data set from a structural causal model with planted shortcuts and known best accuracy |
"""

__all__ = [
    "base",
    "batches",
    "folds",
    "manifest",
    "nonfinite",
    "overview",
    "reading",
    "statistics",
    "store",
    "synthetic",
]
