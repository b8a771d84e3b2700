"""A secret that RDS manages is changed and deleted by RDS alone: Secrets Manager user guide, "Secrets managed by
other AWS services"; API reference, InvalidRequestException.
"""

from __future__ import annotations

from ..aws_call import AwsCall
from ..wire import AwsError
from . import before
from .secrets import find_secret


@before("secretsmanager", "PutSecretValue", "UpdateSecret", "DeleteSecret", "UpdateSecretVersionStage", "RestoreSecret", "CancelRotateSecret")
def _managed(call: AwsCall) -> None:
    secret = find_secret(call, call.text("SecretId"))
    service = getattr(secret, "owning_service", None)
    if service is not None:
        raise AwsError("InvalidRequestException", f"You can't perform this operation on the secret because it is managed by another service, and you must use that service to update it: {service}.")
