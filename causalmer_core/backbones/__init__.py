"""The multimodal networks under test, all under one contract. The unimodal branches beside them are in `models`.

| file | what it is |
|---|---|
| `base.py` | The contract of a backbone: the multimodal network under test |
| `build.py` | A backbone by its name: ours, and those that other packages add |
| `crossmodal.py` | What MulT and DMD share: convolutions in front, crossmodal and memory transformers, heads with a residual |
| `dmd.py` | DMD: decoupled multimodal distillation |
| `dmd_losses.py` | The terms of DMD's loss that decouple shared from private parts |
| `graph_distillation.py` | A graph-distillation unit: three modalities teach each other, along edges whose weights are learned |
| `mult.py` | MulT: crossmodal transformers between all pairs of modalities |
| `pmr.py` | PMR: a message hub and the modalities reinforce each other, layer by layer |
| `pmr_units.py` | The units of PMR: one sequence reinforced by another, and the message hub updated by all modalities |
| `recurrent.py` | Recurrent baselines: early fusion, late fusion and one modality alone; one LSTM or three, and a linear head |
"""

__all__ = ["base", "build", "dmd_losses"]
