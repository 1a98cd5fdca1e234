"""Damage to a sweep's records: finding all of it, and the repair with which a sweep continues."""

__all__ = ["damage", "repair"]
