"""The command `causalmer`: arguments in, tables out. What it shows is computed elsewhere.

| file | what it is |
|---|---|
| `checkpoint/` | `causalmer checkpoint`: import and evaluate published checkpoints |
| `cluster/` | `causalmer cluster`: check nodes, submit sweeps as jobs, write templates |
| `commands.py` | The commands by name |
| `data/` | `causalmer data`: import, draw and look at data sets |
| `interruption.py` | Ctrl-C in a command that only watches a job, which continues without the command |
| `main.py` | The command line `causalmer`: its entry point, and how errors and Ctrl-C are reported |
| `options.py` | Arguments and options that several commands share |
| `output.py` | How commands show tables: drawn in the terminal, as JSON, or as CSV |
| `plan_table.py` | What `causalmer plan` shows: what would run, with what, and for how long at most |
| `results/` | `causalmer results`: rank, select, evaluate, report, compare and export |
| `schema.py` | `causalmer schema`: the JSON schema with which an editor checks and completes a sweep's file |
| `status.py` | `causalmer status`: how far a sweep is, from its records alone; works while it runs, from any process |
| `sweep.py` | `causalmer run`, `resume` and `plan` |
"""

__all__ = ["main"]
