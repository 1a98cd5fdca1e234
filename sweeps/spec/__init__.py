"""The sweep's YAML file: sections, includes, checks, and the configurations that follow from it. What needs data or a
machine to be checked is in `setup`.

| file | what it is |
|---|---|
| `checks.py` | Checks of a sweep against the configuration of a run: do base, space and paper default give valid ones? |
| `configurations.py` | The configurations of a sweep's runs, as its file describes them |
| `includes.py` | `$include: other.yaml` in a sweep's file: the other file's tree goes below this one's |
| `json_schema/` | The JSON schema of a sweep's file (draft 2020-12), by which editors complete and check it |
| `objective_section.py` | The sections `objectives` and `constraints` of a sweep's file: what is wanted beside a good score |
| `problems.py` | Problems in a file a user wrote: what is wrong, where, what was given, what is allowed |
| `renamed_keys.py` | Keys of a sweep's file that have another name now |
| `search_checks.py` | Checks of how configurations are proposed, against the space, the paper's default and what is installed |
| `search_section.py` | The section `search` of a sweep's file: how configurations are proposed |
| `sections.py` | Sections of a sweep's YAML file; the space, the search and its schedulers stand in files of their own |
| `seed_plan.py` | The seed plan of a sweep: which replicates serve which purpose |
| `sweep_spec.py` | A sweep as its YAML file describes it: validated, frozen, and the source of every configuration it runs |
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
