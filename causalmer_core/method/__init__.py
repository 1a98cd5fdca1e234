"""The equations of counterfactual debiasing: fusion, effects and losses, as pure functions.

The networks that give the logits are in `backbones` and `models`.

| file | what it is |
|---|---|
| `effects.py` | Causal effects of the branches on the fused logit: pure functions |
| `fusion.py` | Fusion strategies: from the logits of the multimodal and the unimodal branches to one |
| `losses.py` | The losses of CausalMER |
| `method_warnings.py` | Warnings about configurations in which debiasing does nothing or a loss makes no sense |
"""

__all__ = ["effects", "fusion", "losses", "method_warnings"]
