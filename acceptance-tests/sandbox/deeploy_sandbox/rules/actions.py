"""Which IAM actions a call needs: AWS's Service Authorization Reference, where they are not simply
`service:Operation`, with those for tags and the dependent ones that leave no call of their own.
"""

from __future__ import annotations

from ..aws_call import AwsCall
from .dependent_actions import dependents_of

S3_ACTIONS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteBucketCors": "s3:PutBucketCORS",
    "DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "DeleteBucketInventoryConfiguration": "s3:PutInventoryConfiguration",
    "DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "DeleteBucketReplication": "s3:PutReplicationConfiguration",
    "DeleteBucketTagging": "s3:PutBucketTagging",
    "DeleteObjects": "s3:DeleteObject",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketCors": "s3:GetBucketCORS",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "GetBucketInventoryConfiguration": "s3:GetInventoryConfiguration",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
    "ListBuckets": "s3:ListAllMyBuckets",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "s3:PutAccelerateConfiguration",
    "PutBucketCors": "s3:PutBucketCORS",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "PutBucketInventoryConfiguration": "s3:PutInventoryConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "PutBucketReplication": "s3:PutReplicationConfiguration",
    "PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
}
VERSIONED = {"GetObject": "s3:GetObjectVersion", "HeadObject": "s3:GetObjectVersion", "DeleteObject": "s3:DeleteObjectVersion"}
# Actions whose prefix is not the name of botocore's model.
PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "amp": "aps",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "stepfunctions": "states",
}
OTHER_NAMES = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "lambda:Invoke": "lambda:InvokeFunction",
}
# The action that a create asks for as well when it carries tags: by service (every operation that makes something), or by call.
TAG_ACTIONS = {
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "cloudwatch": "cloudwatch:TagResource",
    "ec2": "ec2:CreateTags",
    "ecr": "ecr:TagResource",
    "eks": "eks:TagResource",
    "elb": "elasticloadbalancing:AddTags",
    "elbv2": "elasticloadbalancing:AddTags",
    "events": "events:TagResource",
    "kms": "kms:TagResource",
    "logs": "logs:TagResource",
    "rds": "rds:AddTagsToResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "ssm": "ssm:AddTagsToResource",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateUser": "iam:TagUser",
}
MAKING = ("Create", "Put", "Run", "Allocate", "Request", "Restore", "Copy", "Import", "Start", "Purchase", "Register", "Associate", "Authorize")


def actions_of(call: AwsCall) -> list[str]:
    return own_actions_of(call) + [each.action for each in dependents_of(call)]


def own_actions_of(call: AwsCall) -> list[str]:
    """The actions on the resource that the call is about."""
    if call.service == "s3":
        return _s3_actions(call)
    if call.name == "kms:ReEncrypt":
        return ["kms:ReEncryptFrom", "kms:ReEncryptTo"]
    found = [OTHER_NAMES.get(call.name, f"{PREFIXES.get(call.service, call.service)}:{call.operation}")]
    tagging = TAG_ACTIONS.get(call.name, TAG_ACTIONS.get(call.service))
    if tagging and tagging not in found and call.operation.startswith(MAKING) and carries_tags(call):
        found.append(tagging)
    return found


def carries_tags(call: AwsCall) -> bool:
    specifications = call.params.get("TagSpecifications") or []
    return bool(call.params.get("Tags") or call.params.get("tags") or any(each.get("Tags") for each in specifications))


def _s3_actions(call: AwsCall) -> list[str]:
    if "versionId" in call.query and call.operation in VERSIONED:
        return [VERSIONED[call.operation]]
    found = [S3_ACTIONS.get(call.operation, f"s3:{call.operation}")]
    if call.operation == "CreateBucket":
        if (call.params.get("CreateBucketConfiguration") or {}).get("Tags"):
            found.append("s3:TagResource")
        if "x-amz-object-ownership" in call.headers:
            found.append("s3:PutBucketOwnershipControls")
    return found
