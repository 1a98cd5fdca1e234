"""Jobs on a cluster, submitted over HTTP from a machine outside it.

The caller decides what a job runs.

| file | what it is |
|---|---|
| `job_following.py` | Waiting for the end of a job over a connection that may be lost and made again |
| `job_server.py` | The job server of a cluster: jobs are submitted to it over HTTP from outside |
| `shipped_code.py` | The code that is sent with a job: this machine's causalmer, with the contents of its wheel |
"""

__all__ = ["job_following", "job_server", "shipped_code"]
