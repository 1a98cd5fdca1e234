"""Imports checkpoints of the published code without running anything in them.

Our own checkpoints are in `training`.

| file | what it is |
|---|---|
| `archive.py` | The zip file that `torch.save` writes: a pickle, and one record of raw bytes a storage |
| `imported.py` | An imported checkpoint on disk, and the model in it |
| `importing.py` | Imports a published file as a checkpoint of ours |
| `modules.py` | Inert modules of a checkpoint: the names of their classes and their states, and no code |
| `names.py` | Our parameter names, and the names in published CausalMER checkpoints |
| `reader.py` | Reads tensors and names from a file of `torch.save` without running anything in it |
| `settings.py` | The settings of a published model that do not follow from the shapes of its tensors |
| `shapes.py` | The settings of a published model that follow from the shapes of its tensors |
| `tensors.py` | Our own makers of the storages and tensors of a checkpoint |
"""

__all__ = ["imported", "importing", "settings"]
