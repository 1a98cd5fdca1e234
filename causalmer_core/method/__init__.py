"""The equations of counterfactual debiasing: fusion, effects and losses, as pure functions. The networks that give the
logits are in `backbones` and `models`.

| file | what it is |
|---|---|
| `effects.py` | Causal effects of the branches on the fused logit: pure functions |
| `fusion.py` | Fusion strategies: how the logits of the multimodal and the three unimodal branches become one |
| `losses.py` | The losses of CausalMER |
| `method_warnings.py` | What a reader of a run's record must know: combinations in which debiasing does nothing or a loss makes no sense |
"""

__all__ = ["effects", "fusion", "losses", "method_warnings"]
