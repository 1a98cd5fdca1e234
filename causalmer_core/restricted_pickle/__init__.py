"""Reading pickles without running anything in them.

    refusal        the error, and the bound on memory
    plain          bytes, sets and dict keys
    payload        bytes that stay in the file
    instructions   reading them from a file
    machine        carrying them out; what they may make is a `Vocabulary`
    arrays         the vocabulary of NumPy arrays

Readers: `causalmer_core.datasets.unpickle` (plain data) and `causalmer_core.published_checkpoint` (tensors of modules).
"""
