"""Every kind of fault fires, does what it says, and stops after its times."""

import http.client
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlparse

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from .served import SandboxTest, client, control, endpoint, policy, trust

DROPPED = (ConnectionClosedError, EndpointConnectionError)


class Chaos(SandboxTest):
    def test_error_at_the_nth_mutating_call(self):
        kms = self.aws("kms")
        self.faults({"on": {"m": 2}, "do": "error", "code": "KMSInternalException", "message": "x", "status": 500})
        kms.create_key()
        kms.list_keys()
        self.refused("KMSInternalException", kms.create_key, status=500)
        kms.create_key()
        self.assertEqual(self.fired(), [1])
        self.assertEqual(len(self.world("kms:key")), 2)
        self.assertEqual([call["fault"] for call in self.calls()], [None, None, "error", None])

    def test_error_at_the_nth_call_of_any_kind(self):
        kms = self.aws("kms")
        self.faults({"on": {"n": 2}, "do": "error", "code": "AccessDeniedException", "status": 400})
        kms.list_keys()
        self.refused("AccessDeniedException", kms.list_keys)
        self.assertEqual(self.fired(), [1])

    def test_error_in_each_protocol(self):
        for service, call, arguments in (
            ("kms", "list_keys", {}),
            ("iam", "list_users", {}),
            ("s3", "list_buckets", {}),
            ("ec2", "describe_vpcs", {}),
            ("eks", "list_clusters", {}),
        ):
            with self.subTest(service):
                self.faults({"on": {"every": 1}, "do": "error", "code": "Peculiar", "message": "why", "status": 400})
                message = self.refused("Peculiar", getattr(self.aws(service), call), status=400, **arguments)
                self.assertEqual(message, "why")

    def test_throttling_is_each_services_own(self):
        for service, call, code, status in (
            ("kms", "list_keys", "ThrottlingException", 400),
            ("iam", "list_users", "Throttling", 400),
            ("s3", "list_buckets", "SlowDown", 503),
        ):
            with self.subTest(service):
                self.faults({"on": {"every": 1}, "do": "throttle"})
                self.refused(code, getattr(self.aws(service), call), status=status)
                self.assertEqual(self.fired(), [1])

    def test_a_lost_reply_leaves_the_object(self):
        self.faults({"on": {"operation": "kms:CreateKey", "nth": 1}, "do": "drop_reply"})
        with self.assertRaises(DROPPED):
            self.aws("kms").create_key()
        self.assertEqual(len(self.world("kms:key")), 1)
        self.assertEqual(self.fired(), [1])

    def test_a_lost_request_leaves_none(self):
        self.faults({"on": {"operation": "kms:CreateKey", "nth": 1}, "do": "drop_request"})
        with self.assertRaises(DROPPED):
            self.aws("kms").create_key()
        self.assertEqual(self.world("kms:key"), [])
        self.assertEqual(self.fired(), [1])

    def test_delay(self):
        self.faults({"on": {"n": 1}, "delay_s": 0.2})
        started = time.monotonic()
        self.aws("kms").list_keys()
        self.assertGreater(time.monotonic() - started, 0.2)
        self.assertEqual(self.fired(), [1])

    def test_kill_before_and_after(self):
        for kind, keys in (("kill_before", 0), ("kill_after", 1)):
            with self.subTest(kind), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
                control(f"reset?account={self.account}", "POST")
                self.faults({"on": {"m": 1}, "do": kind, "pid": victim.pid})
                with self.assertRaises(DROPPED):
                    self.aws("kms").create_key()
                self.assertEqual(victim.wait(5), -9)
                self.assertEqual(len(self.world("kms:key")), keys)
                self.assertEqual(self.fired(), [1])

    def test_the_last_pid_of_a_file_is_killed(self):
        with (
            tempfile.NamedTemporaryFile("w") as pids,
            subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as earlier,
            subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim,
        ):
            self.faults({"on": {"m": 1}, "do": "kill_before", "pid_file": pids.name})
            pids.write(f"{earlier.pid}\n{victim.pid}\n")
            pids.flush()
            with self.assertRaises(DROPPED):
                self.aws("kms").create_key()
            self.assertEqual(victim.wait(5), -9)
            self.assertIsNone(earlier.poll())
            self.assertEqual(self.fired(), [1])

    def test_signal(self):
        for kind in ("signal_before", "signal_after"):
            with self.subTest(kind), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
                self.faults({"on": {"operation": "kms:ListKeys"}, "do": kind, "signal": "TERM", "pid": victim.pid})
                self.aws("kms").list_keys()
                self.assertEqual(victim.wait(5), -15)
                self.assertEqual(self.fired(), [1])

    def test_a_new_key_stays_hidden(self):
        kms = self.aws("kms")
        old = kms.create_key()["KeyMetadata"]["KeyId"]
        self.faults({"on": {"operation": "kms:CreateKey", "nth": 1}, "hide_s": 0.3})
        new = kms.create_key()["KeyMetadata"]["KeyId"]
        self.refused("NotFoundException", kms.describe_key, KeyId=new)
        self.assertEqual([key["KeyId"] for key in kms.list_keys()["Keys"]], [old])
        self.assertEqual(len(self.world("kms:key")), 2)
        time.sleep(0.35)
        self.assertEqual(kms.describe_key(KeyId=new)["KeyMetadata"]["KeyId"], new)
        self.assertEqual(len(kms.list_keys()["Keys"]), 2)
        self.assertEqual(self.fired(), [1])

    def test_a_new_bucket_user_and_secret_stay_hidden(self):
        s3, iam, secrets = self.aws("s3"), self.aws("iam"), self.aws("secretsmanager")
        self.faults({"on": {"operation": "*:Create*"}, "hide_s": 60, "times": None})
        bucket = f"hidden-{self.account}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        iam.create_user(UserName="hidden")
        secrets.create_secret(Name="hidden", SecretString="x")
        self.refused("404", s3.head_bucket, Bucket=bucket)
        self.assertEqual(s3.list_buckets()["Buckets"], [])
        self.refused("NoSuchEntity", iam.get_user, status=404, UserName="hidden")
        self.assertEqual(iam.list_users()["Users"], [])
        self.refused("ResourceNotFoundException", secrets.describe_secret, SecretId="hidden")
        self.assertEqual(self.fired(), [3])

    def test_a_new_access_key_is_not_known_at_once(self):
        iam = self.aws("iam")
        iam.create_user(UserName="u")
        self.faults({"on": {"operation": "iam:CreateAccessKey"}, "hide_s": 0.3})
        key = iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        self.refused("InvalidClientTokenId", client("sts", key).get_caller_identity, status=403)
        time.sleep(0.35)
        self.assertEqual(client("sts", key).get_caller_identity()["Arn"], self.arn("user/u"))
        self.assertEqual(self.fired(), [1])

    def test_a_new_role_is_not_known_to_key_policies_at_once(self):
        self.faults({"on": {"operation": "iam:CreateRole"}, "hide_s": 0.3})
        role = self.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
        root, new = ({**statement, "Principal": {"AWS": arn}} for arn in (self.arn("root"), role["Role"]["Arn"]))
        kms = self.aws("kms")
        self.refused("MalformedPolicyDocumentException", kms.create_key, Policy=policy(root, new))
        time.sleep(0.35)
        kms.create_key(Policy=policy(root, new))
        self.assertEqual(self.fired(), [1])

    def test_expired_credentials(self):
        self.faults({"on": {"m": 1}, "do": "expire", "times": None})
        self.refused("ExpiredTokenException", self.aws("kms").create_key, status=400)
        self.faults({"on": {"every": 1}, "do": "expire"})
        self.refused("ExpiredToken", self.aws("iam").list_users, status=403)

    def test_every_second_call(self):
        kms = self.aws("kms")
        self.faults({"on": {"every": 2}, "do": "throttle", "times": None})
        for _ in range(3):
            kms.list_keys()
            self.refused("ThrottlingException", kms.list_keys)
        self.assertEqual(self.fired(), [3])

    def test_a_rate_is_the_same_for_the_same_seed(self):
        def run() -> list:
            control(f"reset?account={self.account}", "POST")
            self.faults({"on": {"rate": 0.5, "seed": 7}, "do": "throttle", "times": None})
            for _ in range(20):
                try:
                    self.aws("kms").list_keys()
                except Exception:
                    pass
            return [call["fault"] for call in self.calls()]

        first = run()
        self.assertEqual(first, run())
        self.assertIn("throttle", first)
        self.assertIn(None, first)

    def test_a_fault_that_makes_no_sense_is_refused(self):
        connection = http.client.HTTPConnection(urlparse(endpoint()).netloc)
        connection.request("POST", f"/sandbox/faults?account={self.account}", b'[{"on": {"m": 1}, "do": "explode"}]')
        self.assertEqual(connection.getresponse().status, 400)
        connection.close()


class HiddenMonitoring(SandboxTest):
    """Objects of the small services, which their reads name in different ways."""

    def test_new_objects_are_not_seen_yet(self):
        alarm = {"Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold"}
        logs, cloudwatch, sns, events = (self.aws(each) for each in ("logs", "cloudwatch", "sns", "events"))
        faults = [{"on": {"operation": each}, "do": "hide_s", "hide_s": 60} for each in ("logs:CreateLogGroup", "cloudwatch:PutMetricAlarm", "sns:CreateTopic", "events:PutRule")]
        self.faults(*faults)
        for name in ("new", "seen"):
            logs.create_log_group(logGroupName=name)
            cloudwatch.put_metric_alarm(AlarmName=name, **alarm)
            events.put_rule(Name=name, EventPattern='{"source": ["x"]}')
        topic = sns.create_topic(Name="new")["TopicArn"]
        self.assertEqual(self.fired(), [1, 1, 1, 1])
        self.assertEqual([each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]], ["seen"])
        self.assertEqual(logs.describe_log_groups(logGroupNamePrefix="new")["logGroups"], [])
        self.assertEqual(cloudwatch.describe_alarms(AlarmNames=["new"])["MetricAlarms"], [])
        self.assertEqual([each["Name"] for each in events.list_rules()["Rules"]], ["seen"])
        self.refused("ResourceNotFoundException", events.describe_rule, Name="new")
        self.refused("NotFound", sns.get_topic_attributes, 404, TopicArn=topic)
        self.refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="new")
