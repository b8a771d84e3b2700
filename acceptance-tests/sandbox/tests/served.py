"""One sandbox for all tests, and an account of its own for each."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import unittest
import urllib.request
from functools import cache
from typing import Any

import boto3
from botocore.client import ClientCreator
from botocore.config import Config
from botocore.exceptions import ClientError

from deeploy_sandbox.http_server import SandboxServer
from deeploy_sandbox.sandbox import Sandbox
from deeploy_sandbox.wire import HttpRequest, Reply

REGION = "eu-central-1"
_accounts = itertools.count(200_000_000_000)


def _cached_class(make: Any) -> Any:
    made: dict[str, type] = {}

    def cached(self: Any, service_name: str, service_model: Any) -> type:
        if service_name not in made:
            made[service_name] = make(self, service_name, service_model)
        return made[service_name]

    return cached


@cache
def sandbox() -> Sandbox:
    return Sandbox()


@cache
def endpoint() -> str:
    server = SandboxServer(0, sandbox().handle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.endpoint


# boto3 makes a class with all its methods anew for each client, which takes longer than most tests.
ClientCreator._create_client_class = _cached_class(ClientCreator._create_client_class)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def client(service: str, key: str, region: str = REGION, token: str | None = None, retries: int = 0) -> Any:
    return _session().client(
        service,
        endpoint_url=endpoint(),
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        aws_session_token=token,
        config=Config(
            retries={"total_max_attempts": 1 + retries, "mode": "standard"},
            s3={"addressing_style": "path"},
            parameter_validation=False,
            read_timeout=10,
        ),
    )


def control(path: str, method: str = "GET", body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(endpoint() + "/sandbox/" + path, method=method, data=data)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def answer_counted(request: HttpRequest) -> tuple[Reply, int]:
    """The answer, and how many functions of Python it took: how quick it is, whatever else the machine does."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        reply = sandbox().handle(request)
    finally:
        sys.setprofile(None)
    return reply, count


class SandboxTest(unittest.TestCase):
    def setUp(self) -> None:
        self.account = str(next(_accounts))
        self.key = "AKIADEEPLOY" + self.account

    def aws(self, service: str, region: str = REGION, key: str | None = None) -> Any:
        return client(service, key or self.key, region)

    def arn(self, rest: str) -> str:
        return f"arn:aws:iam::{self.account}:{rest}"

    def refused(self, code: str, call: Any, status: int | None = None, **arguments: Any) -> str:
        """The call fails with this code (and HTTP status); returns the message."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        reply = caught.exception.response
        self.assertEqual(reply["Error"]["Code"], code, reply["Error"].get("Message"))
        if status is not None:
            self.assertEqual(reply["ResponseMetadata"]["HTTPStatusCode"], status)
        return str(reply["Error"].get("Message", ""))

    def world(self, kind: str | None = None) -> list[dict[str, Any]]:
        found = control(f"world?account={self.account}")
        return [each for each in found if kind in (None, each["type"])]

    def calls(self) -> list[dict[str, Any]]:
        return control(f"calls?account={self.account}")

    def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        return control(f"faults?account={self.account}", "POST", list(faults))

    def fired(self) -> list[int]:
        return [fault["fired"] for fault in control(f"faults?account={self.account}")]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: dict[str, Any], action: Any = "sts:AssumeRole", **more: Any) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, **more})
