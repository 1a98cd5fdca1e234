"""Sweeps: the YAML specification, the search space, the plan over seeds, the phases and the command line."""
