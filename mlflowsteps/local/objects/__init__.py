"""S3 as plain files: buckets are folders, objects files in them, under their own names wherever a file can have them.

The package owns the files below ``s3/`` of a runtime's folder and nothing else; it knows no HTTP (``services.s3`` does)
and no jobs. Modules: ``uris`` reads S3 URIs, ``names`` decides how a key is named on disk, ``index`` keeps what a file
cannot (ETag, content type, metadata), ``walk`` lists in key order, ``files`` is the folder, ``store`` its objects,
``uploads`` their multipart uploads.
"""

from __future__ import annotations

from mlflowsteps.local.objects.files import ObjectInfo, Source
from mlflowsteps.local.objects.store import ObjectStore
from mlflowsteps.local.objects.uploads import PartInfo, Upload
from mlflowsteps.local.objects.uris import parse_s3_uri

__all__ = ["ObjectInfo", "ObjectStore", "PartInfo", "Source", "Upload", "parse_s3_uri"]
