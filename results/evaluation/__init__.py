"""The final evaluation, which opens the test split, and the tables of its results. The selection is made before, in
`ranking`.

| file | what it is |
|---|---|
| `checkpoint_evaluation.py` | Evaluation of a checkpoint on a split |
| `class_tables.py` | Confusion and calibration of the contenders, from the predictions on the test split |
| `debiasing_records.py` | Records of the debiasing vectors chosen after training, before the test split is opened |
| `debiasing_table.py` | The debiasing table: the gain of each choice after training, on validation and on test |
| `evaluation_table.py` | The evaluation table: each contender's mean over seeds, for every subset of the modalities |
| `final_evaluation.py` | The final evaluation: the one place that opens the test split |
| `modality_table.py` | The cost of missing modalities on the test split, and each modality's contribution |
| `prediction_file.py` | Writing the table `predictions`, one Parquet file per run of a contender |
| `prediction_rows.py` | The evaluation rows of one run, for all compared predictions |
| `run_weights.py` | The weights of runs: used only if they are those of the run's best epoch on record |
| `untrained_baselines.py` | Baselines without training runs: the majority of the labels, and a linear classifier |
"""

__all__ = [
    "checkpoint_evaluation",
    "class_tables",
    "debiasing_records",
    "debiasing_table",
    "evaluation_table",
    "final_evaluation",
    "modality_table",
    "run_weights",
]
