"""EventBridge against its API reference and user guide."""

import json

from .served import REGION, SandboxTest, control, policy

HEALTH = {"source": ["aws.health"], "detail-type": ["AWS Health Event"], "detail": {"service": ["EKS", "RDS"]}}


class Rules(SandboxTest):
    def setUp(self):
        super().setUp()
        self.events = self.aws("events")

    def put(self, name="r", pattern=None, **more):
        return self.events.put_rule(Name=name, EventPattern=json.dumps(pattern or HEALTH), **more)["RuleArn"]

    def topic(self, **more):
        sns = self.aws("sns")
        topic = sns.create_topic(Name="t", **more)["TopicArn"]
        statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))
        return topic

    def test_a_rule_has_what_it_was_made_with(self):
        arn = self.put(Description="d", Tags=[{"Key": "a", "Value": "b"}])
        found = self.events.describe_rule(Name="r")
        self.assertEqual((found["Arn"], found["State"], found["Description"], json.loads(found["EventPattern"])), (arn, "ENABLED", "d", HEALTH))
        self.put(State="DISABLED", Tags=[{"Key": "c", "Value": "d"}])
        self.assertNotIn("Description", self.events.describe_rule(Name="r"))
        self.assertEqual(self.events.list_tags_for_resource(ResourceARN=arn)["Tags"], [{"Key": "a", "Value": "b"}])
        world = self.world("events:rule")[0]
        self.assertEqual((world["arn"], world["tags"], world["state"]), (arn, {"a": "b"}, "DISABLED"))
        self.put("rest")
        self.assertEqual([each["Name"] for each in self.events.list_rules(NamePrefix="r")["Rules"]], ["r", "rest"])
        self.assertEqual(self.events.list_rules(NamePrefix=".")["Rules"], [])
        self.refused("ResourceNotFoundException", self.events.describe_rule, Name="none")

    def test_patterns(self):
        for wrong in ("{", "[]", "{}", '{"a": "b"}', '{"a": []}', '{"a": [{"near": "x"}]}', '{"a": [["b"]]}', '{"a": {}}', '{"$or": [{"a": ["b"]}]}'):
            with self.subTest(wrong):
                self.refused("InvalidEventPatternException", self.events.put_rule, Name="r", EventPattern=wrong)
        self.put(pattern={"a": [{"prefix": "x"}, 1, None, True], "$or": [{"b": ["c"]}, {"d": [{"exists": False}]}]})

    def test_what_is_refused(self):
        self.refused("ValidationException", self.events.put_rule, Name="a b", EventPattern=json.dumps(HEALTH))
        self.refused("ValidationException", self.events.put_rule, Name="r")
        self.refused("ValidationException", self.events.put_rule, Name="r", EventPattern=json.dumps(HEALTH), State="MAYBE")
        self.refused("ValidationException", self.events.put_rule, Name="r", EventPattern=json.dumps(HEALTH), Tags=[{"Key": "aws:x", "Value": ""}])
        self.refused("ResourceNotFoundException", self.events.put_targets, Rule="r", Targets=[{"Id": "1", "Arn": "arn:aws:sns:a:1:t"}])
        self.put()
        good = {"Id": "1", "Arn": f"arn:aws:sns:{REGION}:{self.account}:t"}
        for wrong in (
            {**good, "Arn": "t"}, {**good, "Id": "a b"}, {**good, "Input": "1", "InputPath": "$"},
            {**good, "InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": '"<b>"'}},
        ):  # fmt: skip
            with self.subTest(str(wrong)):
                self.refused("ValidationException", self.events.put_targets, Rule="r", Targets=[wrong])
        self.refused("LimitExceededException", self.events.put_targets, Rule="r", Targets=[{**good, "Id": str(n)} for n in range(6)])
        self.assertEqual(self.events.list_targets_by_rule(Rule="r")["Targets"], [])

    def test_targets_hold_the_rule(self):
        topic = self.topic()
        self.put()
        self.assertEqual(self.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}])["FailedEntryCount"], 0)
        self.put(Description="changed")
        self.assertEqual(self.events.list_targets_by_rule(Rule="r")["Targets"], [{"Id": "1", "Arn": topic}])
        self.refused("ValidationException", self.events.delete_rule, Name="r")
        self.events.remove_targets(Rule="r", Ids=["1"])
        self.events.delete_rule(Name="r")
        self.events.delete_rule(Name="r")
        self.refused("ResourceNotFoundException", self.events.list_targets_by_rule, Rule="r")
        self.assertEqual(self.world("events:rule"), [])

    def test_an_event_of_aws_reaches_the_topic(self):
        topic = self.topic()
        arn = self.put()
        self.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}])

        def emit(service):
            event = {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {"service": service}}
            return control(f"emit?account={self.account}", "POST", {"region": REGION, "event": event})["rules"]

        self.assertEqual((emit("EC2"), emit("RDS")), ([], ["r"]))
        last = control(f"deliveries?account={self.account}")
        self.assertEqual([(each["source_arn"], each["delivered"]) for each in last], [(arn, True)])
        self.aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/none")
        emit("EKS")
        self.assertIn("does not exist", control(f"deliveries?account={self.account}")[-1]["why"])
        self.events.disable_rule(Name="r")
        self.assertEqual(emit("RDS"), [])

    def test_events_of_ones_own(self):
        self.put(pattern={"source": ["mine"]})
        self.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": self.topic()}])
        entry = {"Source": "mine", "DetailType": "d", "Detail": "{}"}
        self.assertEqual(self.events.put_events(Entries=[entry])["FailedEntryCount"], 0)
        self.assertEqual([each["delivered"] for each in control(f"deliveries?account={self.account}")], [True])
        refused = self.events.put_events(Entries=[{**entry, "Source": "aws.health"}])
        self.assertEqual(refused["Entries"][0]["ErrorCode"], "NotAuthorizedForSourceException")
