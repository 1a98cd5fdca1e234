"""The connection to a private Ray or a cluster, with its token and the notice of its loss.

Nothing here knows what runs on it.

| file | what it is |
|---|---|
| `address.py` | Checks the address of a cluster: that it exists, and that it requires a token |
| `connect.py` | Starts a private Ray on this machine, or joins a cluster at a given address |
| `token.py` | The token that a cluster requires |
| `watch.py` | Notices the loss of a process that Ray needs; Ray Tune itself would wait for ever |
"""

__all__ = ["connect", "token", "watch"]
