"""The files of the store: versions of a data set, checksums, and writing that is whole or not at all.

| file | what it is |
|---|---|
| `checksums.py` | Checksums of stored files: each file is checked once a process, when it is opened |
| `publish.py` | Folders that appear whole or not at all, whenever the process is killed |
| `stored_split.py` | The files of a split and of the statistics, written in pieces and opened as memory maps |
| `versions.py` | The versions of a data set: one unchanging folder each, and a file that names the current one |
"""

__all__ = ["checksums", "publish", "stored_split", "versions"]
