"""SageMaker jobs, models and endpoints as local processes.

Owns the folder ``jobs/`` of a runtime's root and the child processes; it calls no AWS and knows no HTTP of the API
(``services`` does). ``manager.JobManager`` is the door; the other modules are its rooms:

- ``kinds`` what the service calls things, ``validation`` what it refuses; ``folders`` where a job's files are;
- ``launcher`` (a script of its own), ``process``, ``environment``, ``pathmode``: how a child process is started;
- ``unplayed`` what of a request is refused here; ``cluster``, ``channels``, ``pipes``: instances and their data;
- ``training``, ``processing``, ``transform``, ``tuning``, ``endpoints``, ``models``: what each kind does;
- ``servers``, ``multi_model``, ``async_inference``, ``askers``: what answers, for one model or many, now or into S3;
- ``user_code`` what the SDKs put into a job, made fit for this machine; ``capture`` of endpoints; ``model_registry``;
- ``transfer``, ``archives``, ``metrics``, ``filters``: data in, data out;
- ``images`` what runs in place of a container image.

A job's folder, ``jobs/<kind>/<name>/``::

    log.txt         what the job wrote (stdout and stderr), and the runtime's own lines, which begin with [mlflowsteps];
                    log.1.txt, ... of earlier attempts, where the runtime was killed and the job started again
    opt-ml/         what the job sees as /opt/ml (opt-ml-2/, ... of its further instances)
    home/, tmp/     HOME and TMPDIR
    etc/            hosts file and empty AWS configuration of the job
    process.json    pids and start times of its processes

This hides, it is no sandbox: a job runs the code that its definition names, as the user who opened the runtime.
"""

from __future__ import annotations

__all__: list[str] = []
