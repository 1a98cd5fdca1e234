"""Network layers that several models share. The networks themselves are in `backbones` and `models`.

| file | what it is |
|---|---|
| `padding.py` | Masks of present and padded steps inside batches, and how layers use them |
| `transformer.py` | The transformer encoder of MulT, for self-attention and for crossmodal attention |
"""

__all__ = ["padding", "transformer"]
