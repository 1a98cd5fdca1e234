"""Damage to a sweep's records: finding all of it, and the repair with which a sweep continues.

| file | what it is |
|---|---|
| `damage.py` | Finds the damage to a sweep's folder: journals, selection, the copy of the sweep's file |
| `repair.py` | The repair with which a damaged sweep continues |
"""

__all__ = ["damage", "repair"]
