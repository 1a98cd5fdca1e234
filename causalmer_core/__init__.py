"""The counterfactual core: the model, its data, its training and its measures. It knows no Ray, no result files and
no sweep; every other package may import it.

| file | what it is |
|---|---|
| `backbones/` | The multimodal networks under test, all under one contract |
| `basics/` | Shared terms: errors, whole files, modalities, tasks, names and random streams |
| `config/` | Everything that one run depends on, apart from its seed, and the digest that names it |
| `datasets/` | Data sets: the memory-mapped store, splits, batches, folds and the synthetic data set |
| `debiasing/` | The choice of constants and weights after training, from cached logits |
| `layers/` | Network layers that several models share |
| `measures/` | Measures of predictions: metrics, ablations of modalities, contributions and linear probes |
| `method/` | The equations of counterfactual debiasing: fusion, effects and losses, as pure functions |
| `models/` | The trained models: CausalMER, the debiasing baselines, and their unimodal branches |
| `published_checkpoint/` | Imports checkpoints of the published code without running anything in them |
| `restricted_pickle/` | A reader of pickles that runs nothing in them |
| `training/` | The trainer, its checkpoints, and the cost of training |
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
