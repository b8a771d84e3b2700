"""CloudWatch in RPC v2 CBOR, as the Rust SDK speaks it; botocore's own serializer and parser are the other side."""

import gzip
import unittest
import urllib.error
import urllib.request
from datetime import datetime, timezone

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

from deeploy_sandbox import cbor

from .served import REGION, SandboxTest, control, endpoint

PROTOCOL = "smithy-rpc-v2-cbor"
SINCE_1970 = datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=timezone.utc)


class Codec(unittest.TestCase):
    def test_the_vectors_of_rfc_8949(self):
        for text, value in (
            ("00", 0), ("17", 23), ("1818", 24), ("1903e8", 1000), ("1b000000e8d4a51000", 1000000000000),
            ("20", -1), ("3903e7", -1000), ("f4", False), ("f5", True), ("4401020304", b"\x01\x02\x03\x04"),
            ("6449455446", "IETF"), ("62c3bc", "ü"), ("83010203", [1, 2, 3]), ("a26161016162820203", {"a": 1, "b": [2, 3]}),
            ("fb3ff199999999999a", 1.1),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(cbor.decode(bytes.fromhex(text)), value)
                self.assertEqual(cbor.encode(value).hex(), text)

    def test_items_without_a_length_and_short_floats(self):
        for text, value in (
            ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
            ("7f657374726561646d696e67ff", "streaming"), ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
            ("f93c00", 1.0), ("fa47c35000", 100000.0), ("f6", None),
            ("c11a514b67b0", datetime(2013, 3, 21, 20, 4, tzinfo=timezone.utc)),
            ("c1fb41d452d9ec200000", datetime(2013, 3, 21, 20, 4, 0, 500_000, tzinfo=timezone.utc)),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(cbor.decode(bytes.fromhex(text)), value)

    def test_what_is_no_cbor(self):
        for text in ("", "18", "62c3", "0000", "ff", "1c", "a1", "81" * 100):
            with self.subTest(text), self.assertRaises(ValueError):
                cbor.decode(bytes.fromhex(text))


class OverTheWire(SandboxTest):
    def setUp(self):
        super().setUp()
        loader = botocore.loaders.Loader()
        self.model = botocore.model.ServiceModel(loader.load_service_model("cloudwatch", "service-2"), "cloudwatch")

    def ask(self, operation, squeeze=False, raw=None, **params):
        """The parsed reply; an HTTP error's as well."""
        model = self.model.operation_model(operation)
        asked = botocore.serialize.create_serializer(PROTOCOL, False).serialize_to_request(params, model)
        body = asked["body"] if raw is None else raw
        headers = {**asked["headers"], "Authorization": f"AWS4-HMAC-SHA256 Credential={self.key}/20260101/{REGION}/monitoring/aws4_request, SignedHeaders=host, Signature=0"}
        if squeeze:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        request = urllib.request.Request(endpoint() + asked["url_path"], data=body, headers=headers, method="POST")
        try:
            reply = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            content = reply.read()
        self.assertEqual((reply.headers["smithy-protocol"], reply.headers["content-type"]), ("rpc-v2-cbor", "application/cbor"))
        self.assertTrue(reply.headers["x-amzn-requestid"])
        found = {"status_code": reply.status, "headers": reply.headers, "body": content}
        return botocore.parsers.create_parser(PROTOCOL).parse(found, model.output_shape), content

    def alarm(self, name="a", **more):
        return self.ask(
            "PutMetricAlarm",
            **{
                "AlarmName": name, "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": 60,
                "EvaluationPeriods": 2, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold", **more,
            },
        )  # fmt: skip

    def test_what_was_put_comes_back_in_its_types(self):
        tags = [{"Key": "a", "Value": "b"}]
        self.alarm(Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "x"}], Tags=tags)
        found, body = self.ask("DescribeAlarms", AlarmNames=["a"])
        alarm = found["MetricAlarms"][0]
        self.assertEqual((alarm["Threshold"], alarm["Period"], alarm["ActionsEnabled"]), (80.0, 60, True))
        self.assertEqual(alarm["Dimensions"], [{"Name": "DBInstanceIdentifier", "Value": "x"}])
        self.assertIsInstance(alarm["StateUpdatedTimestamp"], datetime)
        raw = cbor.decode(body)["MetricAlarms"][0]
        self.assertEqual({type(raw[each]) for each in ("Threshold", "Period", "ActionsEnabled", "StateUpdatedTimestamp")}, {float, int, bool, datetime})
        self.assertEqual(self.ask("ListTagsForResource", ResourceARN=alarm["AlarmArn"])[0]["Tags"], tags)
        # boto3 speaks JSON, and meets the same alarm.
        self.assertEqual(self.aws("cloudwatch").describe_alarms()["MetricAlarms"][0]["AlarmArn"], alarm["AlarmArn"])

    def test_the_journal_shows_the_call(self):
        self.alarm()
        call = self.calls()[0]
        self.assertEqual((call["service"], call["operation"], call["resource"], call["mutating"]), ("cloudwatch", "PutMetricAlarm", "a", True))

    def test_timestamps_and_numbers_of_a_request(self):
        data = [{"MetricName": "m", "Value": 2.5, "Timestamp": SINCE_1970}]
        for squeeze in (False, True):
            self.ask("PutMetricData", squeeze=squeeze, Namespace="N", MetricData=data)
        window = {"StartTime": datetime(2026, 1, 2, tzinfo=timezone.utc), "EndTime": datetime(2026, 1, 3, tzinfo=timezone.utc)}
        found, _ = self.ask("GetMetricStatistics", Namespace="N", MetricName="m", Period=86400, Statistics=["Sum"], **window)
        self.assertEqual([each["Sum"] for each in found["Datapoints"]], [5.0])

    def test_an_error_has_the_shape_and_the_query_code(self):
        found, body = self.ask("SetAlarmState", AlarmName="none", StateValue="OK", StateReason="r")
        self.assertEqual((found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]), ("ResourceNotFound", 404))
        self.assertEqual(cbor.decode(body)["__type"], "com.amazonaws.cloudwatch#ResourceNotFound")
        self.assertTrue(found["Error"]["Message"])

    def test_wrong_bodies_and_faults_are_answered_in_cbor(self):
        self.key = "AKIADENIED0" + self.account
        self.assertEqual(self.ask("DescribeAlarms")[0]["Error"]["Code"], "AccessDenied")
        self.key = "AKIADEEPLOY" + self.account
        self.faults({"on": {"operation": "cloudwatch:DescribeAlarms"}, "do": "throttle"})
        self.assertIn("Throttling", self.ask("DescribeAlarms")[0]["Error"]["Code"])
        self.assertEqual(self.fired(), [1])
        self.assertEqual(self.ask("DescribeAlarms")[0]["MetricAlarms"], [])
        self.assertEqual(self.ask("DescribeAlarms", raw=b"")[0]["MetricAlarms"], [])
        self.assertEqual(self.ask("DescribeAlarms", raw=b"\xff")[0]["Error"]["Code"], "SerializationException")

    def test_what_nobody_implements_says_so(self):
        self.assertEqual(self.ask("DescribeAlarmContributors", AlarmName="a")[0]["Error"]["Code"], "NotImplementedBySandbox")
        self.assertEqual([row["operation"] for row in control(f"unsupported?account={self.account}")], ["DescribeAlarmContributors"])
