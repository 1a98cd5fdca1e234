"""What is shown of a sweep while it runs: the live table, lines, trackers. Nothing is decided by it.

| file | what it is |
|---|---|
| `counters.py` | How far a sweep is: runs by how they stand, the pace, and the time left at most |
| `live_table.py` | A sweep that runs, drawn for a terminal |
| `progress.py` | Showing a sweep while it runs: a live table in a terminal, lines elsewhere, and always a log file |
| `status_text.py` | How a sweep stands, in words: the same in the live table, in the log and in `causalmer status` |
| `tracker_thread.py` | One of Ray's callbacks in a thread of its own: it can neither hold up a sweep nor end it |
| `trackers.py` | Runs shown in TensorBoard, MLflow and Weights & Biases while they train, by Ray's own callbacks |
| `wandb_callback.py` | Ray's callback for Weights & Biases, whose processes fail aloud |
"""

__all__ = ["counters", "progress", "status_text", "trackers"]
