"""The one place that opens the test split, and the tables of what it found. It runs after the selection.

| file | what it is |
|---|---|
| `checkpoint_evaluation.py` | A checkpoint on a split of a data set: the counterpart of the published inference script |
| `class_tables.py` | Confusion and calibration of the contenders on the test split, from what each sample was predicted as |
| `debiasing_records.py` | Vectors chosen after training, on record before the test split is opened |
| `debiasing_table.py` | Debiasing after training, in numbers: what each choice gains on validation, and what it gives on test |
| `evaluation_table.py` | The numbers of the final evaluation: each contender's mean over seeds, for every subset of modalities present |
| `final_evaluation.py` | The final evaluation: the one place that opens the test split |
| `modality_table.py` | What missing modalities cost on the test split, and what each contributes: the numbers behind tables and curves |
| `prediction_file.py` | Writing what each sample of the test split was predicted as, one Parquet file a contender's run (for reading see `results.records.predictions_table`) |
| `prediction_rows.py` | What one run predicts on a split, by all the ways that are compared: one pass a removal serves all |
| `untrained_baselines.py` | What needs no training runs, evaluated beside the contenders: the majority of the labels, and a linear classifier |
"""

__all__ = [
    "checkpoint_evaluation",
    "class_tables",
    "debiasing_records",
    "debiasing_table",
    "evaluation_table",
    "final_evaluation",
    "modality_table",
]
