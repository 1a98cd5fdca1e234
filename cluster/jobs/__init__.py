"""Jobs on a cluster, submitted over HTTP from a machine that is none of its nodes. What a job runs is up to its caller.

| file | what it is |
|---|---|
| `job_following.py` | Waiting for a job's end while a connection may come and go |
| `job_server.py` | The job server of a cluster: jobs are submitted to it over HTTP, from a machine that is none of its nodes |
| `shipped_code.py` | The code that goes along with a job: this machine's causalmer, as its wheel would hold it |
"""

__all__ = ["job_following", "job_server", "shipped_code"]
