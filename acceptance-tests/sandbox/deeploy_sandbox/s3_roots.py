"""S3's names of reply documents.

botocore's model leaves them out since boto doesn't look at them, and so moto calls each "<Operation>Response". The Rust SDK
holds the root against Smithy's xmlName and refuses every other. Names: the "Response Syntax" of each operation in S3's API reference.
"""

from __future__ import annotations

from typing import Any

ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


def name_reply_documents() -> None:
    from moto.core.serialize import S3Serializer

    serialized = S3Serializer._serialized_result_to_response

    def with_root(self: S3Serializer, *arguments: Any) -> Any:
        reply = serialized(self, *arguments)
        operation = self.operation_model.name
        if operation in ROOTS:
            reply["body"] = rename(reply["body"], f"{operation}Response", ROOTS[operation])
        return reply

    S3Serializer._serialized_result_to_response = with_root  # type: ignore[method-assign]


def rename(document: str, old: str, new: str) -> str:
    """Only the root: nothing within has the name of an operation's reply."""
    return document.replace(f"<{old}", f"<{new}", 1).replace(f"</{old}>", f"</{new}>")
