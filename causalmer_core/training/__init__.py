"""The trainer, its checkpoints, and what training costs. It yields one result per epoch; who records it or stops it is
not known here.

| file | what it is |
|---|---|
| `checkpoint.py` | Checkpoints: one safetensors file each, written aside and renamed into place |
| `compute.py` | How many threads a process computes with, so that several on one machine do not fight for its cores |
| `cost.py` | What training a configuration costs, measured on a few steps |
| `device_memory.py` | The memory of the device that a process trains on: how much it has used at most, and how much it may use |
| `evaluation.py` | A model on a split: losses, predictions and metrics, with evidence removed where asked |
| `memory_estimate.py` | How much memory training a configuration takes, counted and not measured: to compare configurations by |
| `trained_model.py` | A trained model, from the weights file that `Trainer.save_weights` wrote |
| `trainer.py` | The trainer: a generator of epoch results |
"""

__all__ = [
    "checkpoint",
    "compute",
    "cost",
    "device_memory",
    "evaluation",
    "memory_estimate",
    "trained_model",
    "trainer",
]
