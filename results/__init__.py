"""The records of a sweep: journals, Parquet tables, statistics, selection, final evaluation and the
report.
"""
