"""The layouts of the field's files: which key holds what. What is done with the arrays is in the folder above.

| file | what it is |
|---|---|
| `base.py` | What a layout is: the keys under which a file of the field holds features, labels, ids and lengths |
| `mmsa.py` | The layout of MMSA's processed files (`aligned_50.pkl`, `unaligned_50.pkl`), and of what MMSA-FET writes |
| `npz_member.py` | One array of an `.npz` file, read a piece at a time, compressed or not |
| `numpy_arrays.py` | Data sets as plain NumPy arrays: one `.npz` file, or a folder of `.npy` files |
| `pickled.py` | Opening a pickle of splits: a dict of `train`, `valid` (or `dev`, `val`) and `test`, each a dict of arrays |
| `recognise.py` | Which layout a file is in: told by what kind of file it is, then by its keys |
| `unpickle.py` | A reader of pickles that runs nothing: plain containers, text, numbers and NumPy arrays, or an error |
"""

__all__ = ["base", "recognise"]
