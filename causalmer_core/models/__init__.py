"""What is trained: CausalMER, its debiasing baselines and their unimodal branches. The equations are in `method`, the
multimodal networks in `backbones`.

| file | what it is |
|---|---|
| `albert_files.py` | The files of an ALBERT in a local folder: their digest, and what is said where they are not as they should be |
| `branches.py` | The three unimodal branches beside the backbone: one modality in, logits out |
| `build.py` | The model that a configuration names |
| `causalmer.py` | CausalMER: prediction by the total indirect effect of a backbone and three unimodal branches |
| `debiasing_baselines.py` | Other ways to treat modality bias, to hold CausalMER against: with the same branches, without counterfactuals |
| `emotion_model.py` | What is trained, seen from the trainer: the contract of a model, and the part that all models with branches share |
| `pretrained.py` | ALBERT from a local folder: checked, quiet, and in float32 whatever precision it was saved in |
| `published_branches.py` | The published unimodal branches: ALBERT on text, ResNet-18 on audio and on vision |
"""

__all__ = ["albert_files", "build", "causalmer"]
