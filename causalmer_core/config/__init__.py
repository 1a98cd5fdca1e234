"""Everything that one run depends on, apart from its seed, and the digest that names it.

The sections of a sweep's file are in `sweeps.spec`.

| file | what it is |
|---|---|
| `backbone_config.py` | The configurations of backbones, and how a name finds its configuration |
| `identity.py` | The identity of a configuration: all that affects the outcome of its runs, no more |
| `method_version.py` | The published and the corrected method: every difference is a named option |
| `run_config.py` | The configuration of a run: everything that it depends on, except its seed |
"""

__all__ = ["backbone_config", "identity", "method_version", "run_config"]
