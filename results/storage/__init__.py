"""Storage: folders, object stores and locks. The content of the files is defined in `records`.

| file | what it is |
|---|---|
| `checked_parquet.py` | Parquet files whose every byte is checked: a reader gets what was written, or an error |
| `journal.py` | A crash-safe journal: acknowledged rows survive kills, torn writes and full disks |
| `locks.py` | Lock files that the system frees when the process that holds them ends |
| `object_store.py` | A sweep on an object store, with a working copy in a local folder |
| `object_uri.py` | Addresses of folders on object stores, such as `s3://bucket/prefix` and `gs://bucket/prefix` |
| `objects.py` | Reading and writing the objects below an address on an object store, as bytes |
| `shared_objects.py` | An object store as the shared place of a cluster's nodes (see `cluster.nodes.storage_probe`) |
| `store_error.py` | Errors of object stores, with their likely causes in words |
| `store_lock.py` | A lock on an object store: an object with its holder's name, which the holder renews |
| `sweep_store.py` | The store of a sweep's records, seen from the files of its folder |
"""

__all__ = [
    "checked_parquet",
    "journal",
    "locks",
    "object_store",
    "object_uri",
    "objects",
    "shared_objects",
    "store_error",
    "sweep_store",
]
