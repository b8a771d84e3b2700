"""The plugin's stand-in, as a program: the contract of AWS's session-manager-plugin (its README, and the AWS CLI's call of it)."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

from .eks_environment import EksTest
from .served import REGION, endpoint

PLUGIN = Path(__file__).parents[1] / "session-manager-plugin"
VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
REMOTE_HOST = "AWS-StartPortForwardingSessionToRemoteHost"


def echo() -> int:
    """A port that gives back what it gets, once."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as stream:
            while part := stream.recv(4096):
                stream.sendall(part)

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


class Plugin(EksTest):
    def setUp(self):
        super().setUp()
        self.ssm = self.aws("ssm")

    def run_plugin(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, PLUGIN, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def says(self, *arguments: str, **variables: str) -> str:
        return self.run_plugin(*arguments, **variables).communicate(timeout=20)[0]

    def session(self, port: int) -> tuple[dict[str, str], str]:
        """A started session, and the request as the AWS CLI hands it on."""
        self.cluster()
        self.nodegroup()
        self.iam.attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        node = self.ssm.describe_instance_information()["InstanceInformationList"][0]["InstanceId"]
        request = {"Target": node, "DocumentName": REMOTE_HOST, "Parameters": {"host": ["127.0.0.1"], "portNumber": [str(port)], "localPortNumber": ["0"]}}
        started = self.ssm.start_session(**request)
        return {name: started[name] for name in ("SessionId", "TokenValue", "StreamUrl")}, json.dumps(request)

    def test_its_command_line(self):
        self.assertRegex(self.says("--version"), r"^\d+(\.\d+){3}\n$")
        self.assertIn("was installed successfully", self.says())
        self.assertIn("Unknown operation x.", self.says("x", "y"))
        for wrong in (("{}", REGION, "StartSession", "", "{}"), ("{}", REGION, "StartSession", "", "{}", endpoint(), "more"), ("no JSON", REGION, "StartSession", "", "{}", endpoint())):
            self.assertIn("Cannot perform start session", self.says(*wrong))
        self.assertEqual(self.says("{}", REGION, "EndSession", "", "{}", endpoint()), "Invalid Operation")

    def test_it_forwards_until_the_session_ends(self):
        response, request = self.session(echo())
        process = self.run_plugin(VARIABLE, REGION, "StartSession", "", request, endpoint(), **{VARIABLE: json.dumps(response)})
        port = 0
        while not port:
            line = process.stdout.readline()
            self.assertTrue(line, "it ended")
            opened = re.fullmatch(rf"Port (\d+) opened for sessionId {response['SessionId']}\.\n", line)
            port = int(opened[1]) if opened else 0
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
            stream.sendall(b"hello")
            self.assertEqual(stream.recv(5), b"hello")
        self.ssm.terminate_session(SessionId=response["SessionId"])
        rest = process.stdout.read()
        self.assertIn("Waiting for connections...", rest)
        self.assertIn(f"Exiting session with sessionId: {response['SessionId']}.", rest)
        self.assertEqual(process.wait(timeout=20), 0)

    def test_it_needs_the_sessions_token(self):
        response, request = self.session(1)
        wrong = json.dumps({**response, "TokenValue": "another"})
        self.assertIn("bad handshake", self.says(wrong, REGION, "StartSession", "", request, endpoint()))
        # A version before the variable takes its name for the response itself.
        old = self.says(VARIABLE, REGION, "StartSession", "", request, endpoint(), PLUGIN_STAND_IN='{"version": "1.2.497.0"}', **{VARIABLE: json.dumps(response)})
        self.assertIn("Cannot perform start session", old)
