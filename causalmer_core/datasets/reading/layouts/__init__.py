"""The layouts of the field's files: the key of each array.

The folder above checks and converts the arrays.

| file | what it is |
|---|---|
| `base.py` | A layout: the keys under which a file of the field holds features, labels, ids, lengths |
| `mmsa.py` | The layout of MMSA's processed files and of the files that MMSA-FET writes |
| `npz_member.py` | One array of an `.npz` file, read a piece at a time, compressed or not |
| `numpy_arrays.py` | Data sets as plain NumPy arrays: one `.npz` file, or a folder of `.npy` files |
| `pickled.py` | Pickles of splits, and the layout of MulT's files |
| `recognise.py` | The layout of a file, recognised from the kind of file and from its keys |
| `unpickle.py` | A reader of pickled plain data and NumPy arrays that runs nothing in the file |
"""

__all__ = ["base", "recognise"]
