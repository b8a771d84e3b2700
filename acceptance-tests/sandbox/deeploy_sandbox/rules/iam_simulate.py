"""The policy simulator and last-accessed reports: API reference of SimulatePrincipalPolicy,
SimulateCustomPolicy and GenerateServiceLastAccessedDetails.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import Document, boundary_of, identity_documents, principal_of
from ..wire import AwsError
from . import before, memory


def _context(call: AwsCall) -> dict[str, Any]:
    return {entry["ContextKeyName"]: entry.get("ContextKeyValues") or [] for entry in call.params.get("ContextEntries") or []}


def _results(call: AwsCall, documents: list[Document], boundary: list[Document], base: dict[str, Any]) -> dict[str, Any]:
    resources = call.params.get("ResourceArns") or ["*"]
    results = []
    for action in call.params.get("ActionNames") or []:
        for resource in resources:
            question = evaluate.Question(str(action), str(resource), folded({**base, **_context(call)}))
            layers = [evaluate.judge(documents, question)] + [evaluate.judge([each], question) for each in boundary]
            if any(layer.denied for layer in layers):
                decision = "explicitDeny"
            else:
                decision = "allowed" if all(layer.allowed for layer in layers) else "implicitDeny"
            matched = [{"SourcePolicyId": match["policy"]} for layer in layers for match in layer.matched]
            results.append(
                {
                    "EvalActionName": str(action),
                    "EvalResourceName": str(resource),
                    "EvalDecision": decision,
                    "MatchedStatements": matched,
                    "MissingContextValues": [],
                }
            )
    return {"EvaluationResults": results, "IsTruncated": False}


@before("iam", "SimulatePrincipalPolicy")
def _simulate_principal(call: AwsCall) -> dict[str, Any]:
    try:
        principal = principal_of(call.text("PolicySourceArn"))
    except ValueError:
        raise AwsError("InvalidInput", f"Invalid ARN {call.text('PolicySourceArn')}") from None
    if principal.owner is None:
        raise AwsError("NoSuchEntity", f"The entity {principal.arn} cannot be found.", 404)
    extra = [Document("PolicyInputList", str(text)) for text in call.params.get("PolicyInputList") or []]
    boundary = boundary_of(principal)
    return _results(call, identity_documents(principal) + extra, [boundary] if boundary else [], principal.context())


@before("iam", "SimulateCustomPolicy")
def _simulate_custom(call: AwsCall) -> dict[str, Any]:
    documents = [Document(f"PolicyInputList.{n + 1}", str(text)) for n, text in enumerate(call.params.get("PolicyInputList") or [])]
    limits = [Document("boundary", str(text)) for text in call.params.get("PermissionsBoundaryPolicyInputList") or []]
    return _results(call, documents, limits, {})


@before("iam", "GenerateServiceLastAccessedDetails")
def _generate(call: AwsCall) -> dict[str, Any]:
    job = str(uuid.uuid4())
    memory(call.account, "last accessed jobs")[job] = datetime.now(timezone.utc)
    return {"JobId": job}


@before("iam", "GetServiceLastAccessedDetails")
def _get_details(call: AwsCall) -> dict[str, Any]:
    started = memory(call.account, "last accessed jobs").get(call.text("JobId"))
    if started is None:
        raise AwsError("NoSuchEntity", f"Job {call.text('JobId')} cannot be found.", 404)
    return {
        "JobStatus": "COMPLETED",
        "JobCreationDate": started,
        "JobCompletionDate": started,
        "ServicesLastAccessed": [],
        "IsTruncated": False,
    }
