"""The layouts of the field's files: which key holds what.

base           what a layout is, and what a file holds
pickled        opening a pickle of splits
mult           MulT's layout
mmsa           MMSA's layout
numpy_arrays   `.npz` files and folders of `.npy` files
npz_member     an array of an `.npz` file, read a piece at a time
recognise      which of them a file is in
"""
