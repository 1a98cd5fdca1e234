"""The sweep's YAML file: sections, includes, checks, and the configurations that follow from it. What needs data or a
machine to be checked is in `setup`.

| file | what it is |
|---|---|
| `checks.py` | Checks of base, space and paper default: do they give valid configurations of runs? |
| `configurations.py` | The configurations of a sweep's runs, as its file describes them |
| `includes.py` | Reading a sweep's file with the files that it includes (`$include: other.yaml`) |
| `json_schema/` | The JSON schema of a sweep's file (draft 2020-12), for editors |
| `objective_section.py` | The sections `objectives` and `constraints` of a sweep's file |
| `problems.py` | Problems of a user's file: what is wrong, where, what was given, what is allowed |
| `renamed_keys.py` | Keys of a sweep's file that were renamed |
| `search_checks.py` | Checks of search, objectives and constraints against the rest of a sweep's file |
| `search_section.py` | The sections `search` and `scheduler`: proposals of configurations, and early stopping |
| `sections.py` | Sections of a sweep's YAML file, in the order of the file |
| `seed_plan.py` | The seed plan of a sweep: the seeds of each phase |
| `sweep_spec.py` | A sweep as its YAML file describes it, and how the file is loaded and checked |
| `yaml_file.py` | Reading YAML with the line of every key |
"""

__all__ = [
    "configurations",
    "includes",
    "json_schema",
    "problems",
    "search_section",
    "sections",
    "sweep_spec",
    "yaml_file",
]
