"""The trained models: CausalMER, the debiasing baselines, and their unimodal branches.

The equations are in `method`, the multimodal networks in `backbones`.

| file | what it is |
|---|---|
| `albert_files.py` | The files of an ALBERT in a local folder: their digest, and the error about wrong ones |
| `branches.py` | The unimodal branches: from one modality to logits |
| `build.py` | Builds the model that a configuration names |
| `causalmer.py` | CausalMER: a backbone and three unimodal branches, with prediction by the TIE |
| `debiasing_baselines.py` | Debiasing baselines with the same branches as CausalMER, without counterfactuals |
| `emotion_model.py` | The contract between a model and the trainer, and the base of all models with branches |
| `pretrained.py` | Loads an ALBERT from a local folder, checked and in float32 |
| `published_branches.py` | The published unimodal branches: ALBERT on text, ResNet-18 on audio and on vision |
"""

__all__ = ["albert_files", "build", "causalmer"]
