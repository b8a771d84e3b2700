"""The way of a request: read, recorded, disturbed (chaos), refused or carried out, answered."""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
import uuid
from collections import defaultdict
from contextlib import nullcontext

from . import principals, rpc_v2_cbor, rules
from .aws_call import AwsCall, read_call
from .calls import Journal
from .chaos import Chaos
from .control import Control
from .identity import Identity, Sessions, access_denied, identify, refuse_credential
from .moto_bridge import Moto, Unsupported
from .rules import ec2_lists, enforcement, load_all
from .rules.ec2_hidden import made_in_ec2
from .wire import AwsError, CloseConnection, HttpRequest, Reply, render_error


class Sandbox:
    def __init__(self, latency_s: float = 0.0, bucket_name_busy_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.moto = Moto()
        self.journal = Journal()
        self.chaos = Chaos()
        self.sessions = Sessions()
        self.unsupported: list[dict[str, str]] = []
        # moto's stores are no more thread-safe than a dict: one call of an account at a time.
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)
        load_all(self.sessions, bucket_name_busy_s)
        principals.propagation.hides = lambda arn: self.chaos.hides(arn.split(":")[4], "iam", arn)
        ec2_lists.visibility.hides = lambda account, id: self.chaos.hides(account, "ec2", id)
        self.control = Control(self)

    def lock(self, account: str) -> threading.RLock:
        return self._locks[account]

    def handle(self, request: HttpRequest) -> Reply:
        if request.path.startswith("/sandbox/"):
            return self.control.handle(request)
        if rpc_v2_cbor.is_spoken(request):
            return rpc_v2_cbor.serve(request, self._answer)
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> Reply:
        call = read_call(request)
        call.identity = identify(call.access_key, call.session_token, call.partition, self.sessions)
        if call.identity.kind == "user" and self.chaos.hides(call.account, "iam", call.access_key):
            call.identity = Identity(call.account, "unknown")
        record = self.journal.begin(call)
        disturbance = self.chaos.plan(call, record)
        record.fault = disturbance.kind
        try:
            disturbance.before(call)
            reply = self._carry_out(call)
            record.resource = record.resource or made_id(call, reply)
            self.chaos.learn(call, reply, disturbance)
            reply = self.chaos.conceal(call, reply)
        except AwsError as error:
            if isinstance(error, Unsupported):
                self._remember_unsupported(call, error.message)
            record.error = error.code
            reply = render_error(error, call.service, call.protocol, request.method, request.path)
        except CloseConnection:
            raise
        except Exception as bug:
            # A bug of ours must fail the test that met it, and must not look like a retryable 500 of AWS.
            traceback.print_exc()
            message = f"bug in the sandbox: {type(bug).__name__}: {bug}"
            self._remember_unsupported(call, message)
            record.error = "SandboxBug"
            reply = render_error(AwsError("SandboxBug", message), call.service, call.protocol, request.method, request.path)
        record.status = reply.status
        if reply.status >= 400 and record.error is None:
            record.error = error_code(reply)
        disturbance.after(call)
        if self.latency_s:
            time.sleep(self.latency_s)
        if not (reply.header("x-amzn-requestid") or reply.header("x-amz-request-id")):
            reply.headers.append(("x-amz-request-id" if call.service == "s3" else "x-amzn-RequestId", str(uuid.uuid4())))
        return reply

    def _remember_unsupported(self, call: AwsCall, message: str) -> None:
        self.unsupported.append(
            {"account": call.account, "service": call.service, "operation": call.operation, "message": message}
        )

    def _carry_out(self, call: AwsCall) -> Reply:
        refused = refuse_credential(call.identity.kind, call.service)
        if refused is not None:
            raise refused
        if not call.operation:
            raise Unsupported("NotImplementedBySandbox", f"No {call.service} operation fits {call.request.method} {call.request.path}")
        if call.identity.kind == "denied":
            raise access_denied(call.service, call.identity, call.name)
        # The names of buckets are one space for all accounts.
        names = self._locks["bucket names"] if call.name in ("s3:CreateBucket", "s3:DeleteBucket") else nullcontext()
        with names, self._locks[call.account]:
            enforcement.enforce(call)
            self.chaos.refuse_hidden(call)
            reply = rules.run_before(call)
            if reply is None:
                reply = self.moto.send(call)
            return rules.run_after(call, reply)


def made_id(call: AwsCall, reply: Reply) -> str:
    """The id that AWS gave to an object whose call named none."""
    if reply.status >= 300:
        return ""
    if call.service == "ec2":
        return min(made_in_ec2(call, reply.body.decode("utf-8", "replace")), default="")
    found = re.search(rb'"KeyId": ?"([^"]+)"', reply.body[:4096])
    return found.group(1).decode() if found else ""


def error_code(reply: Reply) -> str:
    """The code of an error that moto rendered."""
    kind = reply.header("x-amzn-errortype")
    if kind:
        return kind.split(":")[0]
    found = re.search(rb"<Code>([^<]+)</Code>", reply.body)
    if found:
        return found.group(1).decode()
    try:
        value = json.loads(reply.body or b"{}")
        return str(value.get("__type", reply.status)).rpartition("#")[2]
    except ValueError:
        return str(reply.status)
