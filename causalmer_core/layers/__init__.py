"""Network layers that several models share. The networks themselves are in `backbones` and `models`.

| file | what it is |
|---|---|
| `padding.py` | Padding inside batches: masks that say which steps are there, and what layers do with them |
| `transformer.py` | The transformer encoder of MulT, for self-attention and for crossmodal attention |
"""

__all__ = ["padding", "transformer"]
