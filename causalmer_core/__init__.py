"""The counterfactual core: the model, its data, its training and its measures. It knows no Ray, no result files and no
sweep; every other package may import it.

| file | what it is |
|---|---|
| `backbones/` | The multimodal networks under test, all under one contract |
| `basics/` | Terms that everything else is written in: errors, modalities, tasks, names and random streams |
| `config/` | Everything that one run depends on, apart from its seed, and the digest that names it |
| `datasets/` | Data sets: the memory-mapped store, splits, batches, folds and the synthetic data set |
| `debiasing/` | Constants and weights chosen after training, from cached logits |
| `layers/` | Network layers that several models share |
| `measures/` | What is measured of predictions: metrics, ablations of modalities, contributions and the linear probe |
| `method/` | The equations of counterfactual debiasing: fusion, effects and losses, as pure functions |
| `models/` | What is trained: CausalMER, its debiasing baselines and their unimodal branches |
| `published_checkpoint/` | Checkpoints of the published code: read without running anything in them, and stored as ours |
| `restricted_pickle/` | Reading pickles without running anything in them |
| `training/` | The trainer, its checkpoints, and what training costs |
"""

__all__ = [
    "backbones",
    "basics",
    "config",
    "datasets",
    "debiasing",
    "measures",
    "method",
    "models",
    "published_checkpoint",
    "training",
]
