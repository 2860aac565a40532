"""Facts about AWS APIs, held as data; no botocore here.

``integrations`` reads ``integrations.toml``: the optimized integrations of Step Functions.
"""
