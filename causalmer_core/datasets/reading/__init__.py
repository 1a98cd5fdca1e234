"""From a file of the field to arrays in our forms: features, labels, ids and lengths. Where a file keeps them is told by
its layout, in `layouts`.

| file | what it is |
|---|---|
| `array_roles.py` | What each array of a file was taken as: the answer to "what did the import make of my file?" |
| `features.py` | Features of a file as the store keeps them: float32, finite, converted a piece at a time |
| `ids.py` | The forms in which the field's files name their samples, read into one text a sample |
| `importing.py` | Reading a file of the field, whatever its layout: what each array is taken as, checked and in our forms |
| `layouts/` | The layouts of the field's files: which key holds what |
| `lengths.py` | The forms in which the field's files say how many steps of a sample are there |
"""

__all__ = ["array_roles", "importing", "layouts"]
