"""What is measured of predictions: metrics, ablations of modalities, contributions and the linear probe. Evaluating a
trained model is in `training`.

| file | what it is |
|---|---|
| `ablation.py` | How evidence is taken from a model that is evaluated: whole modalities, or steps of them |
| `batched_metrics.py` | One metric of many predictors at once, on many subsets of the samples: the metrics of `metrics`, over K and S |
| `linear_classifier.py` | A linear classifier on one vector a sample: the baseline that a deep model has to beat, and the probe of a modality |
| `metrics.py` | Metrics of a task, each with its direction declared and its convention in its name |
| `modality_analysis.py` | What a missing modality costs, and what each modality contributes: from the scores of every subset that is present |
| `probe.py` | A linear probe of each modality: the quick look that shows a shortcut |
"""

__all__ = ["ablation", "batched_metrics", "linear_classifier", "metrics", "modality_analysis", "probe"]
