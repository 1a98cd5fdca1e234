"""What is shown of a running sweep: the live table, lines, trackers. No choice depends on it.

| file | what it is |
|---|---|
| `counters.py` | Counts the runs of a sweep by state, and computes its pace and an upper bound of the time left |
| `leader.py` | The leading configuration, shown while a sweep runs |
| `live_table.py` | The live table of a running sweep, drawn for a terminal |
| `progress.py` | Shows a running sweep: a live table in a terminal, lines elsewhere, and always a log file |
| `status_text.py` | A sweep's status as text, the same in the live table, in the log and in `causalmer status` |
| `tracker_thread.py` | Runs one of Ray's callbacks in its own thread, where it can neither delay a sweep nor end it |
| `trackers.py` | Shows runs in TensorBoard, MLflow and Weights & Biases while they train, by Ray's own callbacks |
| `wandb_callback.py` | Ray's callback for Weights & Biases, with errors of its processes raised and its key in no log |
"""

__all__ = ["counters", "leader", "progress", "status_text", "trackers"]
