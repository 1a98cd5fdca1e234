"""The multimodal networks under test, all under one contract.

The unimodal branches are in `models`.

| file | what it is |
|---|---|
| `base.py` | The contract of a backbone: the multimodal network under test |
| `build.py` | Builds a backbone by its name: one of ours, or one that another package adds |
| `crossmodal.py` | The common part of MulT and DMD: convolutions, crossmodal transformers, residual heads |
| `dmd.py` | DMD: decoupled multimodal distillation |
| `dmd_losses.py` | The terms of DMD's loss that decouple shared from private parts |
| `graph_distillation.py` | A graph-distillation unit: three modalities teach each other along learned edges |
| `mult.py` | MulT: crossmodal transformers between all pairs of modalities |
| `pmr.py` | PMR: a message hub and the modalities reinforce each other, layer by layer |
| `pmr_units.py` | The units of PMR: reinforcement of a sequence, and the update of the message hub |
| `recurrent.py` | Recurrent baselines with LSTMs: early fusion, late fusion, and one modality alone |
"""

__all__ = ["base", "build", "dmd_losses"]
