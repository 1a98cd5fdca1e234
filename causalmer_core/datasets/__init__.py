"""Data sets: readers of the field's files, the memory-mapped store, and the synthetic data set."""
