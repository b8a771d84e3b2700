"""CloudWatch alarms against the API reference and the user guide."""

from .served import REGION, SandboxTest, control, policy

RDS = {
    "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 3,
    "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip
MATH = [
    {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 300, "Stat": "p99"}, "ReturnData": False},
    {"Id": "e1", "Expression": "m1*2", "Label": "twice"},
]


class Alarms(SandboxTest):
    def setUp(self):
        super().setUp()
        self.cloudwatch = self.aws("cloudwatch")

    def put(self, name="a", **more):
        return self.cloudwatch.put_metric_alarm(**{"AlarmName": name, **RDS, **more})

    def found(self, name="a"):
        return self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    def arn_of(self, name="a"):
        return f"arn:aws:cloudwatch:{REGION}:{self.account}:alarm:{name}"

    def test_an_alarm_has_what_it_was_made_with(self):
        topic = f"arn:aws:sns:{REGION}:{self.account}:t"
        asked = {**RDS, "DatapointsToAlarm": 2, "AlarmActions": [topic], "OKActions": [topic], "TreatMissingData": "breaching", "AlarmDescription": "d", "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "x"}]}
        self.put(**asked)
        found = self.found()
        self.assertEqual({name: found.get(name) for name in asked}, asked)
        self.assertEqual((found["StateValue"], found["ActionsEnabled"], found["InsufficientDataActions"]), ("INSUFFICIENT_DATA", True, []))
        self.assertEqual(found["AlarmArn"], self.arn_of())
        for absent in ("ExtendedStatistic", "Unit", "Metrics", "StateReasonData"):
            self.assertNotIn(absent, found)

    def test_an_update_replaces_all_but_state_and_tags(self):
        self.put(TreatMissingData="breaching", Tags=[{"Key": "a", "Value": "1"}])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
        self.put(Threshold=90.0, Tags=[{"Key": "b", "Value": "2"}])
        found = self.found()
        self.assertEqual((found["Threshold"], found["StateValue"]), (90.0, "ALARM"))
        self.assertNotIn("TreatMissingData", found)
        self.assertEqual(self.cloudwatch.list_tags_for_resource(ResourceARN=self.arn_of())["Tags"], [{"Key": "a", "Value": "1"}])
        self.cloudwatch.delete_alarms(AlarmNames=["a"])
        self.put()
        self.assertEqual(self.found()["StateValue"], "INSUFFICIENT_DATA")
        self.assertEqual(self.cloudwatch.list_tags_for_resource(ResourceARN=self.arn_of())["Tags"], [])

    def test_what_is_refused(self):
        topic = f"arn:aws:sns:us-east-1:{self.account}:t"
        for code, wrong in (
            ("ValidationError", {"Period": 45}),
            ("ValidationError", {"Period": 10}),
            ("ValidationError", {"ComparisonOperator": "More"}),
            ("ValidationError", {"TreatMissingData": "bad"}),
            ("ValidationError", {"DatapointsToAlarm": 4}),
            ("ValidationError", {"EvaluationPeriods": 0}),
            ("ValidationError", {"Period": 300, "EvaluationPeriods": 289}),
            ("ValidationError", {"Statistic": "p99"}),
            ("ValidationError", {"AlarmActions": [topic]}),
            ("ValidationError", {"AlarmActions": ["no-arn"]}),
            ("ValidationError", {"AlarmActions": [topic.replace("us-east-1", REGION)] * 6}),
            ("InvalidParameterCombination", {"ExtendedStatistic": "p99"}),
            ("InvalidParameterCombination", {"Metrics": MATH}),
            ("InvalidParameterValue", {"Tags": [{"Key": "aws:x", "Value": ""}]}),
        ):
            with self.subTest(str(wrong)):
                self.refused(code, self.put, 400, **wrong)
        self.assertEqual(self.world("cloudwatch:alarm"), [])
        self.put(Period=3600, EvaluationPeriods=168)

    def test_metric_math(self):
        base = {"AlarmName": "m", "ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 1, "Threshold": 1.0}
        self.cloudwatch.put_metric_alarm(**base, Metrics=MATH)
        found = self.found("m")
        self.assertEqual([(each["Id"], each["ReturnData"]) for each in found["Metrics"]], [("m1", False), ("e1", True)])
        self.assertEqual(found["Metrics"][0]["MetricStat"], {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 300, "Stat": "p99"})
        self.assertNotIn("MetricName", found)
        both = [{**MATH[0], "ReturnData": True}, MATH[1]]
        for wrong in (both, [MATH[1]], [MATH[0]], [MATH[0], {**MATH[1], "Id": "m1"}], [{"Id": "X", "Expression": "1"}]):
            with self.subTest(str(wrong)):
                self.refused("ValidationError", self.cloudwatch.put_metric_alarm, **base, Metrics=wrong)

    def test_describe(self):
        for name in ("b-2", "b-1", "c"):
            self.put(name)
        self.cloudwatch.put_composite_alarm(AlarmName="all", AlarmRule='ALARM("b-1") OR ALARM("c")')
        names = lambda **asked: [each["AlarmName"] for each in self.cloudwatch.describe_alarms(**asked)["MetricAlarms"]]  # noqa: E731
        self.assertEqual(names(), ["b-1", "b-2", "c"])
        self.assertEqual(names(AlarmNamePrefix="b-"), ["b-1", "b-2"])
        self.assertEqual(names(AlarmNames=["c", "none"]), ["c"])
        self.assertEqual(names(StateValue="OK"), [])
        first = self.cloudwatch.describe_alarms(MaxRecords=2)
        self.assertEqual(names(MaxRecords=2, NextToken=first["NextToken"]), ["c"])
        self.refused("ValidationError", self.cloudwatch.describe_alarms, AlarmNames=["c"], AlarmNamePrefix="b")
        self.refused("InvalidNextToken", self.cloudwatch.describe_alarms, NextToken="x")
        composite = self.cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])
        self.assertEqual(([each["AlarmName"] for each in composite["CompositeAlarms"]], composite["MetricAlarms"]), (["all"], []))
        self.assertEqual(self.cloudwatch.describe_alarms()["CompositeAlarms"], [])
        self.refused("ValidationError", self.cloudwatch.put_composite_alarm, AlarmName="x", AlarmRule='ALARM("none")')

    def test_deleting_what_is_not_there_is_no_error(self):
        self.put()
        self.cloudwatch.delete_alarms(AlarmNames=["none", "a"])
        self.assertEqual(self.world("cloudwatch:alarm"), [])

    def test_tags(self):
        self.refused("ResourceNotFoundException", self.cloudwatch.tag_resource, 404, ResourceARN=self.arn_of(), Tags=[])
        self.refused("ResourceNotFoundException", self.cloudwatch.list_tags_for_resource, 404, ResourceARN=self.arn_of())
        self.put()
        self.cloudwatch.untag_resource(ResourceARN=self.arn_of(), TagKeys=["none"])
        self.cloudwatch.tag_resource(ResourceARN=self.arn_of(), Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        self.cloudwatch.untag_resource(ResourceARN=self.arn_of(), TagKeys=["a"])
        self.assertEqual(self.world("cloudwatch:alarm")[0]["tags"], {"b": "2"})

    def test_a_changed_state_acts_once(self):
        topic = self.aws("sns").create_topic(Name="t")["TopicArn"]
        gone = topic + "gone"
        self.put(AlarmActions=[topic, gone])
        set_state = lambda value: self.cloudwatch.set_alarm_state(AlarmName="a", StateValue=value, StateReason="r")  # noqa: E731
        seen = lambda: [(each["topic_arn"], each["delivered"]) for each in control(f"deliveries?account={self.account}")]  # noqa: E731
        set_state("OK")
        self.assertEqual(seen(), [])
        set_state("ALARM")
        set_state("ALARM")
        self.assertEqual(seen(), [(topic, True), (gone, False)])
        actions = self.cloudwatch.describe_alarm_history(AlarmName="a", HistoryItemType="Action")["AlarmHistoryItems"]
        self.assertEqual(sorted(each["HistorySummary"].split(" ")[0] for each in actions), ["Failed", "Successfully"])
        self.cloudwatch.disable_alarm_actions(AlarmNames=["a"])
        self.assertFalse(self.found()["ActionsEnabled"])
        set_state("OK"), set_state("ALARM")
        self.assertEqual(len(seen()), 2)
        self.cloudwatch.enable_alarm_actions(AlarmNames=["a"])
        set_state("OK"), set_state("ALARM")
        self.assertEqual(len(seen()), 4)
        self.refused("ResourceNotFound", self.cloudwatch.set_alarm_state, 404, AlarmName="none", StateValue="OK", StateReason="r")
        self.refused("InvalidFormat", self.cloudwatch.set_alarm_state, AlarmName="a", StateValue="OK", StateReason="r", StateReasonData="{")

    def test_an_encrypted_topic_needs_a_key_that_admits_cloudwatch(self):
        kms, root = self.aws("kms"), {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "kms:*", "Resource": "*"}
        key = kms.create_key()["KeyMetadata"]["Arn"]
        topic = self.aws("sns").create_topic(Name="t", Attributes={"KmsMasterKeyId": key})["TopicArn"]
        self.put(AlarmActions=[topic])

        def alarm():
            for value in ("OK", "ALARM"):
                self.cloudwatch.set_alarm_state(AlarmName="a", StateValue=value, StateReason="r")
            last = control(f"deliveries?account={self.account}")[-1]
            return last["delivered"], last["why"]

        delivered, why = alarm()
        self.assertFalse(delivered)
        self.assertIn("kms:GenerateDataKey", why)
        service = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"}
        for condition, wanted in (
            ({}, True),
            ({"StringEquals": {"aws:SourceAccount": self.account}, "ArnLike": {"aws:SourceArn": self.arn_of("*")}}, True),
            ({"StringEquals": {"aws:SourceAccount": "000000000000"}}, False),
        ):
            with self.subTest(str(condition)):
                kms.put_key_policy(KeyId=key, Policy=policy(root, {**service, **({"Condition": condition} if condition else {})}))
                self.assertEqual(alarm()[0], wanted)
        kms.put_key_policy(KeyId=key, Policy=policy(root, service))
        kms.disable_key(KeyId=key)
        self.assertIn("Disabled", alarm()[1])
        self.aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
        self.assertIn("AWS managed key", alarm()[1])
