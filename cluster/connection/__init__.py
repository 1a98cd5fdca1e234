"""Starting a private Ray or joining a cluster, with its token, and noticing that it is lost. Nothing here knows what
runs on it.

| file | what it is |
|---|---|
| `address.py` | Addresses of clusters: which one is meant, whether it is there, and whether it asks for a token |
| `connect.py` | A private Ray on this machine, for local mode; and joining a cluster, only where its address is given |
| `token.py` | The token that opens a cluster |
| `watch.py` | Noticing that what a sweep's Ray needs is gone: Ray Tune itself would wait for it for ever |
"""

__all__ = ["connect", "token", "watch"]
