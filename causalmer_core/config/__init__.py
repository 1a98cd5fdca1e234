"""Everything that one run depends on, apart from its seed, and the digest that names it. The sections of a sweep's file
are in `sweeps.spec`.

| file | what it is |
|---|---|
| `backbone_config.py` | The configurations of backbones, and how a name finds its configuration |
| `identity.py` | The identity of a configuration: all that affects the outcome of its runs, and nothing else |
| `method_version.py` | The published method and the corrected one: every difference is a named option of the configuration |
| `run_config.py` | Everything that one run depends on, apart from its seed |
"""

__all__ = ["backbone_config", "identity", "method_version", "run_config"]
