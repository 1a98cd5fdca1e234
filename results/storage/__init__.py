"""Where files lie: folders, object stores and locks. What is in the files is in `records`.

| file | what it is |
|---|---|
| `locks.py` | Lock files that the system frees when the process that holds them ends |
| `object_store.py` | A sweep on an object store: objects below an address, and a working copy of them in a folder of this machine |
| `object_uri.py` | Addresses of folders on object stores: `s3://bucket/prefix?endpoint_override=HOST:PORT&scheme=http`, `gs://...` |
| `objects.py` | The objects below an address on an object store, in bytes |
| `shared_objects.py` | An object store as the place that the nodes of a cluster share (see `cluster.nodes.storage_probe`) |
| `store_error.py` | What it means that an object store did not do what it was asked |
| `store_lock.py` | A lock on an object store: an object that says who holds it, and that its holder renews |
| `sweep_store.py` | Where the records of a sweep are kept, seen from the files of its folder |
"""

__all__ = ["locks", "object_store", "object_uri", "objects", "shared_objects", "store_error", "sweep_store"]
