"""Whether the caller may have RDS use a customer's key: user guide "Encrypting Amazon RDS resources", "Authorizing use
of a customer managed key"; "Password management with Amazon RDS and AWS Secrets Manager", "Required permissions".
"""

from __future__ import annotations

from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import principal_of

# RDS makes a grant for itself in the caller's name; of a secret's key, Secrets Manager uses it in the caller's name too.
FOR_DATA = ("kms:DescribeKey", "kms:CreateGrant")
FOR_SECRETS = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey")


def may_use(call: AwsCall, key: Any, for_secret: bool) -> bool:
    if call.identity.kind not in ("user", "session") or getattr(key, "key_manager", "CUSTOMER") == "AWS":
        return True
    principal = principal_of(call.identity.arn)
    if call.identity.session is not None:
        principal.session_policy = call.identity.session.policy
        principal.tags |= call.identity.session.tags
    service = "secretsmanager" if for_secret else "rds"
    context: dict[str, Any] = {
        **principal.context(),
        "kms:ViaService": f"{service}.{call.region}.amazonaws.com",
        "kms:CallerAccount": call.account,
        "kms:GrantIsForAWSResource": "true",
        "aws:SecureTransport": "true",
        "aws:RequestedRegion": call.region,
    }
    return all(
        evaluate.decide(principal, evaluate.Question(action, str(key.arn), folded(context)))[0] == "allowed"
        for action in (FOR_SECRETS if for_secret else FOR_DATA)
    )
