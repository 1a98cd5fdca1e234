"""Measures of predictions: metrics, ablations of modalities, contributions and linear probes.

The evaluation of a trained model is in `training`.

| file | what it is |
|---|---|
| `ablation.py` | Ablations of the input of an evaluated model: of whole modalities, or of their steps |
| `batched_metrics.py` | One metric of many predictors at once, on many subsets of the samples |
| `linear_classifier.py` | A linear classifier on one vector a sample: the baseline for deep models, and the probe |
| `metrics.py` | Metrics of a task, each with its direction declared and its convention in its name |
| `modality_analysis.py` | Drop gaps and Shapley values of modalities, from the scores of every subset of them |
| `probe.py` | Linear probes of the modalities: a quick check for shortcuts |
"""

__all__ = ["ablation", "batched_metrics", "linear_classifier", "metrics", "modality_analysis", "probe"]
