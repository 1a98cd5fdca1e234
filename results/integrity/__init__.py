"""Damage to a sweep's records: finding all of it, and the repair with which a sweep continues.

| file | what it is |
|---|---|
| `damage.py` | Finds the damage to a sweep's folder: every journal, table, weights file and other record |
| `repair.py` | The repair with which a damaged sweep continues |
"""

__all__ = ["damage", "repair"]
