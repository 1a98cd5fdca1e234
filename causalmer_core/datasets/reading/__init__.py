"""Readers of the field's files: features, labels, ids and lengths in our forms.

The layouts, in `layouts`, say under which keys a file keeps them.

| file | what it is |
|---|---|
| `array_roles.py` | The role that an import gave to each array of a file |
| `features.py` | Features of a file in the store's form: float32, finite, converted a piece at a time |
| `ids.py` | Ids of samples: the forms in the field's files, read into one text a sample |
| `importing.py` | Reads a file of the field in any known layout, checks it and gives it in our forms |
| `layouts/` | The layouts of the field's files: the key of each array |
| `lengths.py` | Lengths of samples: the forms in the field's files, read into one number a sample |
"""

__all__ = ["importing", "layouts"]
