"""The Rust SDK refuses a document under another name than S3's; boto doesn't look at it."""

from __future__ import annotations

import xml.etree.ElementTree
from typing import Any

from .served import SandboxTest


class Roots(SandboxTest):
    def root(self, s3: Any, call: str, **arguments: Any) -> str:
        documents: list[bytes] = []
        s3.meta.events.register("before-parse.s3", lambda response_dict, **_: documents.append(response_dict["body"]))
        getattr(s3, call)(Bucket="roots-" + self.account, **arguments)
        return xml.etree.ElementTree.fromstring(documents[-1]).tag.rpartition("}")[2]

    def test_replies_have_the_names_of_the_api_reference(self) -> None:
        s3 = self.aws("s3")
        name = "roots-" + self.account
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name, "Tags": [{"Key": "a", "Value": "b"}]})
        s3.put_object(Bucket=name, Key="k", Body=b"x")
        rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
        expected = {
            "get_bucket_versioning": "VersioningConfiguration",
            "get_bucket_logging": "BucketLoggingStatus",
            "get_bucket_tagging": "Tagging",
            "get_bucket_location": "LocationConstraint",
            "get_bucket_lifecycle_configuration": "LifecycleConfiguration",
            "get_bucket_encryption": "ServerSideEncryptionConfiguration",
            "get_bucket_ownership_controls": "OwnershipControls",
            "get_public_access_block": "PublicAccessBlockConfiguration",
            "list_objects_v2": "ListBucketResult",
            "list_object_versions": "ListVersionsResult",
            "list_multipart_uploads": "ListMultipartUploadsResult",
        }
        self.assertEqual({call: self.root(s3, call) for call in expected}, expected)
        self.assertEqual(self.root(s3, "delete_objects", Delete={"Objects": [{"Key": "k"}]}), "DeleteResult")
        self.assertEqual(self.root(s3, "create_multipart_upload", Key="k"), "InitiateMultipartUploadResult")
