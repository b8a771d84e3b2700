"""S3 buckets: user guide "Bucket naming rules", "Creating a bucket", "Deleting a bucket", "Verifying bucket
ownership with bucket owner condition"; API reference of CreateBucket, and "Error responses".
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import moto.backends
from moto.s3.models import PublicAccessBlock

from ..aws_call import AwsCall
from ..routes import setting
from ..wire import AwsError, Reply
from . import after, before

NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
ADDRESS = re.compile(r"^\d+\.\d+\.\d+\.\d+$")
RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# Operations that any region answers.
ANY_REGION = ("GetBucketLocation", "ListBuckets")


@dataclass
class Settings:
    """How long a deleted bucket's name stays busy: seconds to an hour on AWS, none by default here."""

    name_busy_s: float = 0.0
    busy_until: dict[str, float] = field(default_factory=dict)


settings = Settings()


@setting("bucket_name_busy_s", shown=lambda account: settings.name_busy_s)
def _set_busy(account: str | None, seconds: float) -> float:
    settings.name_busy_s = float(seconds)
    return settings.name_busy_s


def owner_of(name: str) -> tuple[str, Any] | None:
    """(account, moto's bucket) of a name, in whichever account it is."""
    backends = moto.backends.get_backend("s3")
    found = backends.bucket_accounts.get(name)
    if found is None:
        return None
    partition, account = found
    bucket = backends[account][partition].buckets.get(name)
    return (account, bucket) if bucket is not None else None


def bucket_of(call: AwsCall) -> Any:
    found = owner_of(call.path_parameters.get("Bucket", ""))
    if found is None:
        raise AwsError(
            "NoSuchBucket",
            "The specified bucket does not exist",
            404,
            extra={"BucketName": call.path_parameters.get("Bucket", "")},
        )
    return found[1]


@before("s3", "*")
def _reachable(call: AwsCall) -> None:
    name = call.path_parameters.get("Bucket")
    found = owner_of(name) if name else None
    if name and found is None and call.operation != "CreateBucket":
        bucket_of(call)
    if found is None or call.operation == "CreateBucket":
        return
    account, bucket = found
    region_matters = call.operation not in ANY_REGION and call.identity.kind != "anonymous"
    if region_matters and bucket.region_name != call.region:
        endpoint = f"{name}.s3.{bucket.region_name}.amazonaws.com"
        raise AwsError(
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint.",
            301,
            headers={"x-amz-bucket-region": bucket.region_name},
            extra={"Endpoint": endpoint, "Bucket": str(name)},
        )
    expected = call.headers.get("x-amz-expected-bucket-owner")
    if expected is not None and expected != account:
        raise AwsError("AccessDenied", "Access Denied", 403)
    source = call.headers.get("x-amz-copy-source", "").lstrip("/").partition("/")[0]
    wanted = call.headers.get("x-amz-source-expected-bucket-owner")
    source_owner = owner_of(source) if wanted and source else None
    if source_owner is not None and source_owner[0] != wanted:
        raise AwsError("AccessDenied", "Access Denied", 403)


def _check_name(name: str) -> None:
    good = (
        NAME.match(name)
        and ".." not in name
        and not ADDRESS.match(name)
        and not name.startswith(RESERVED_PREFIXES)
        and not name.endswith(RESERVED_SUFFIXES)
    )
    if not good:
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, extra={"BucketName": name})


def _check_location(call: AwsCall, constraint: str) -> None:
    if call.region == "us-east-1":
        if constraint == "us-east-1":
            raise AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid", 400)
        wrong = bool(constraint)
    else:
        wrong = {"EU": "eu-west-1"}.get(constraint, constraint) != call.region
    if wrong:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
            400,
        )


def check_tags(tags: list[dict[str, str]]) -> None:
    keys = [str(tag.get("Key", "")) for tag in tags]
    if len(keys) != len(set(keys)):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", 400)
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("InvalidTag", "System tags cannot be added/updated by requester", 400)
    if len(keys) > 50:
        raise AwsError("BadRequest", "Bucket tag count cannot be greater than 50", 400)


@before("s3", "CreateBucket")
def _create(call: AwsCall) -> Reply | None:
    name = call.path_parameters["Bucket"]
    configuration = call.params.get("CreateBucketConfiguration") or {}
    constraint = str(configuration.get("LocationConstraint") or "")
    _check_name(name)
    _check_location(call, constraint)
    check_tags(configuration.get("Tags") or [])
    ownership = call.headers.get("x-amz-object-ownership", "BucketOwnerEnforced")
    acl = call.headers.get("x-amz-acl", "private")
    if ownership == "BucketOwnerEnforced" and acl not in ("private", "bucket-owner-full-control"):
        raise AwsError("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", 400)
    found = owner_of(name)
    if found is not None:
        account, bucket = found
        if account != call.account:
            raise AwsError(
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
                "Please select a different name and try again.",
                409,
                extra={"BucketName": name},
            )
        if call.region == "us-east-1" and bucket.region_name == "us-east-1":
            return Reply(200, [("Location", f"/{name}")])
        raise AwsError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
            extra={"BucketName": name},
        )
    if settings.busy_until.get(name, 0.0) > time.monotonic():
        raise AwsError(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. Please try again.",
            409,
        )
    # moto takes tags for a malformed location.
    location = f"<LocationConstraint>{escape(constraint)}</LocationConstraint>" if constraint else ""
    body = f"<CreateBucketConfiguration>{location}</CreateBucketConfiguration>" if location else ""
    call.request.body = body.encode()
    call.request.headers["content-length"] = str(len(body))
    call.request.headers.pop("content-encoding", None)
    return None


@after("s3", "CreateBucket")
def _created(call: AwsCall, reply: Reply) -> None:
    """What every new bucket has on AWS since April 2023."""
    found = owner_of(call.path_parameters["Bucket"])
    if reply.status != 200 or found is None or getattr(found[1], "sandbox_made", False):
        return
    bucket = found[1]
    bucket.sandbox_made = True
    bucket.encryption = dict(DEFAULT_ENCRYPTION)
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    bucket.ownership_rule = call.headers.get("x-amz-object-ownership", "BucketOwnerEnforced")
    tags = (call.params.get("CreateBucketConfiguration") or {}).get("Tags") or []
    if tags:
        moto.backends.get_backend("s3")[call.account][call.partition].tagger.tag_resource(bucket.arn, tags)
    reply.set_header("Location", f"/{bucket.name}" if call.region == "us-east-1" else f"http://{bucket.name}.s3.amazonaws.com/")


DEFAULT_ENCRYPTION = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}}


@before("s3", "DeleteBucket")
def _delete(call: AwsCall) -> None:
    bucket = bucket_of(call)
    versions = any(bucket.keys.getlist(key) for key in list(bucket.keys))
    if versions or bucket.multiparts:
        text = "The bucket you tried to delete is not empty."
        if bucket.versioning_status:
            text += " You must delete all versions in the bucket."
        raise AwsError("BucketNotEmpty", text, 409, extra={"BucketName": bucket.name})
    moto.backends.get_backend("s3")[call.account][call.partition].tagger.delete_all_tags_for_resource(bucket.arn)


@after("s3", "DeleteBucket")
def _deleted(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300 and settings.name_busy_s > 0:
        settings.busy_until[call.path_parameters["Bucket"]] = time.monotonic() + settings.name_busy_s


@before("s3", "HeadBucket")
def _head(call: AwsCall) -> Reply:
    bucket = bucket_of(call)
    headers = [
        ("x-amz-bucket-region", bucket.region_name),
        ("x-amz-bucket-arn", f"arn:{bucket.partition}:s3:::{bucket.name}"),
        ("x-amz-access-point-alias", "false"),
        ("Content-Type", "application/xml"),
    ]
    return Reply(200, headers)
