"""The trainer, its checkpoints, and the cost of training.

The trainer yields one result per epoch. Its caller records results and stops it.

| file | what it is |
|---|---|
| `checkpoint.py` | Checkpoints: one safetensors file each, written whole, with a digest that is checked on reading |
| `compute.py` | The threads and the numeric precision of a process's computations |
| `cost.py` | The cost of training a configuration in time and memory, measured on a few steps |
| `device_memory.py` | The peak memory and the memory cap of a process on its training device |
| `evaluation.py` | The evaluation of a model on a split: losses, predictions and metrics, under an ablation |
| `memory_estimate.py` | An estimate of training memory, counted instead of measured, to compare configurations |
| `trained_model.py` | Loads a trained model from a weights file, if the file is from the run that is asked for |
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
