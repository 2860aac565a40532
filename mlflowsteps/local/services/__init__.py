"""The AWS services that the runtime plays: one object per service, one method per operation of its API.

``wire`` brings a request of a real boto3 client here and the answer back; ``protocols`` reads and writes the services'
wire formats by botocore's own models; ``session`` is the botocore session the clients come from.
"""

from __future__ import annotations
