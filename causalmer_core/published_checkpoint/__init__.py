"""Checkpoints of the published code: read without running anything in them, and stored as ours. Our own checkpoints are
in `training`.

| file | what it is |
|---|---|
| `archive.py` | The zip file that `torch.save` writes: a pickle, and one record of raw bytes a storage |
| `imported.py` | An imported checkpoint on disk, and the model in it |
| `importing.py` | From a published file to a checkpoint of ours |
| `modules.py` | Modules of a checkpoint as inert shells: a class's name and the state that it would get, and nothing that acts |
| `names.py` | Our parameter names and those of published CausalMER checkpoints |
| `reader.py` | Tensors and names from a file of `torch.save`; nothing in the file is run |
| `settings.py` | What shapes cannot say of a published model: from the user, else from the file's modules, else assumed |
| `shapes.py` | What the shapes of published tensors say of the model they belong to |
| `tensors.py` | Storages and tensors of a checkpoint, made by us: torch's own `_rebuild_*` functions are never reached |
"""

__all__ = ["imported", "importing", "settings"]
