"""Data sets: the memory-mapped store, splits, batches, folds and the synthetic data set. Foreign files are read in
`reading`.

| file | what it is |
|---|---|
| `base.py` | What a data set is to the rest of the package: splits of arrays, a task, and training statistics |
| `batches.py` | Batches of a split: the order of the samples, standardisation, and tensors on a device |
| `folds.py` | Folds over groups: other training and validation splits of the same samples, the same for every configuration |
| `labels.py` | The forms in which the field's files give labels, read into the one form of each task |
| `manifest.py` | The manifest of a stored data set: what it is, where it came from, and what its arrays must look like |
| `nonfinite.py` | NaN and infinities in features: counted always, replaced only where asked for or published |
| `overview.py` | What a look at a data set shows beside its manifest: how long samples are, and whether groups lie in two splits |
| `publish.py` | Files and folders that are wholly on disk, or not there at all, whenever the process is killed |
| `reading/` | From a file of the field to arrays in our forms: features, labels, ids and lengths |
| `statistics.py` | Mean and spread of features over the steps that are no padding, in bounded memory |
| `store.py` | Data sets on disk: one folder each, one `.npy` file an array, opened as memory maps |
| `stored_split.py` | The files of one split and of the statistics: written a piece at a time, opened as memory maps |
| `synthetic.py` | A data set from a structural causal model with planted shortcuts, whose best possible accuracy is known |
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
