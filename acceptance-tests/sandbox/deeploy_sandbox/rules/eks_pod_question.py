"""`POST /sandbox/pod-identity`: which role a pod of a service account gets, and why."""

from __future__ import annotations

from typing import Any

from ..routes import route
from . import eks_time
from .eks_pods import credentials
from .eks_store import store


@route("POST", "pod-identity")
def _answer(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """{account, region, cluster, namespace, service_account, annotated_role?}."""
    eks_time.settle(str(body["account"]))
    cluster = store(body["account"], body["region"]).get(body["cluster"])
    if cluster is None:
        return {"role_arn": None, "why": f"no cluster {body['cluster']}"}
    found = credentials(cluster, body["namespace"], body["service_account"], body.get("annotated_role"))
    return {"role_arn": found.role_arn, "why": found.why}
