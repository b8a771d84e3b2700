"""SNS against its API reference and developer guide."""

import json
import urllib.error

from .served import REGION, SandboxTest, control, policy


class Topics(SandboxTest):
    def setUp(self):
        super().setUp()
        self.sns = self.aws("sns")

    def make(self, name="t", **more):
        return self.sns.create_topic(Name=name, **more)["TopicArn"]

    def shown(self, topic):
        return self.sns.get_topic_attributes(TopicArn=topic)["Attributes"]

    def deliver(self, topic, service="events.amazonaws.com", **more):
        return control("deliver", "POST", {"account": self.account, "region": REGION, "topic_arn": topic, "service": service, **more})

    def test_a_topic_is_made_once(self):
        asked = {"Attributes": {"DisplayName": "D", "KmsMasterKeyId": "alias/x"}, "Tags": [{"Key": "a", "Value": "b"}]}
        topic = self.make(**asked)
        self.assertEqual(self.make(**asked), topic)
        self.assertEqual(self.make(), topic)
        self.refused("InvalidParameter", self.make, 400, Attributes={"DisplayName": "E"})
        self.refused("InvalidParameter", self.make, 400, Tags=[{"Key": "a", "Value": "c"}])
        for wrong in ("", "a b", "x" * 257):
            self.refused("InvalidParameter", self.make, name=wrong)
        self.assertEqual([(each["id"], each["tags"]) for each in self.world("sns:topic")], [("t", {"a": "b"})])

    def test_attributes(self):
        topic = self.make()
        for name, value in (("DisplayName", "D"), ("KmsMasterKeyId", "alias/x"), ("SignatureVersion", "2"), ("TracingConfig", "Active"), ("LambdaSuccessFeedbackSampleRate", "5")):
            self.sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
            self.assertEqual(self.shown(topic)[name], value)
        self.sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="")
        self.assertNotIn("KmsMasterKeyId", self.shown(topic))
        for name, value in (("Nothing", "1"), ("SignatureVersion", "3"), ("TracingConfig", "x"), ("FifoTopic", "true")):
            with self.subTest(name):
                self.refused("InvalidParameter", self.sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)
        self.refused("NotFound", self.sns.get_topic_attributes, 404, TopicArn=topic + "x")

    def test_policies(self):
        topic = self.make()
        put = lambda text: self.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)  # noqa: E731
        service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
        put(policy(service))
        self.assertEqual(json.loads(self.shown(topic)["Policy"])["Statement"], [service])
        for wrong in (
            "{", "{}",
            policy({**service, "Action": "sqs:SendMessage"}),
            policy({**service, "Principal": {"AWS": self.arn("role/none")}}),
            policy({**service, "Resource": topic + "x"}),
        ):  # fmt: skip
            with self.subTest(wrong), self.assertRaises(self.sns.exceptions.InvalidParameterException):
                put(wrong)

    def test_tags(self):
        topic = self.make()
        self.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])
        self.refused("TagLimitExceeded", self.sns.tag_resource, ResourceArn=topic, Tags=[{"Key": "more", "Value": ""}])
        self.refused("InvalidParameter", self.sns.tag_resource, ResourceArn=topic, Tags=[{"Key": "aws:x", "Value": ""}])
        self.sns.untag_resource(ResourceArn=topic, TagKeys=[str(n) for n in range(1, 50)])
        self.assertEqual(self.sns.list_tags_for_resource(ResourceArn=topic)["Tags"], [{"Key": "0", "Value": ""}])
        self.refused("ResourceNotFound", self.sns.list_tags_for_resource, 404, ResourceArn=topic + "x")

    def test_who_may_publish(self):
        topic = self.make()
        # The default policy goes by aws:SourceOwner, which EventBridge does not send.
        self.assertFalse(self.deliver(topic)["delivered"])
        for service in ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com"):
            self.assertEqual(self.deliver(topic, service), {"delivered": True, "why": ""})
        self.assertFalse(self.deliver(topic, "cloudwatch.amazonaws.com", source_account="000000000000")["delivered"])
        rule = f"arn:aws:events:{REGION}:{self.account}:rule/r"
        service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
        self.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy({**service, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}))
        self.assertTrue(self.deliver(topic, source_arn=rule)["delivered"])
        self.assertFalse(self.deliver(topic, source_arn=rule + "2")["delivered"])
        self.assertFalse(self.deliver(topic, "cloudwatch.amazonaws.com")["delivered"])
        self.assertIn("does not exist", self.deliver(topic + "x")["why"])

    def test_deleting(self):
        topic = self.make()
        self.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")
        for _ in range(2):
            self.sns.delete_topic(TopicArn=topic)
        self.assertEqual(self.world("sns:topic") + self.world("sns:subscription"), [])


class Subscriptions(SandboxTest):
    def setUp(self):
        super().setUp()
        self.sns = self.aws("sns")
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]

    def subscribe(self, protocol="email", endpoint="a@example.com", **more):
        return self.sns.subscribe(TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint, **more)["SubscriptionArn"]

    def listed(self):
        return self.sns.list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"]

    def test_an_address_is_pending_until_a_person_confirms(self):
        self.assertEqual(self.subscribe(), "pending confirmation")
        self.assertEqual(self.subscribe(), "pending confirmation")
        self.assertEqual([each["SubscriptionArn"] for each in self.listed()], ["PendingConfirmation"])
        arn = self.subscribe(ReturnSubscriptionArn=True)
        self.assertEqual(self.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"], "true")
        self.refused("InvalidParameter", self.sns.unsubscribe, SubscriptionArn="PendingConfirmation")
        self.refused("InvalidParameter", self.sns.unsubscribe, SubscriptionArn=arn)
        counts = lambda: [self.sns.get_topic_attributes(TopicArn=self.topic)["Attributes"][f"Subscriptions{each}"] for each in ("Pending", "Confirmed", "Deleted")]  # noqa: E731
        self.assertEqual(counts(), ["1", "0", "0"])
        self.assertEqual([each["state"] for each in self.world("sns:subscription")], ["PendingConfirmation"])
        self.assertEqual(control(f"settings?account={self.account}", "POST", {"sns_confirm": self.topic})["sns_confirm"], [arn])
        self.assertEqual(self.subscribe(), arn)
        self.assertEqual(([each["SubscriptionArn"] for each in self.listed()], counts()), ([arn], ["0", "1", "0"]))
        self.sns.unsubscribe(SubscriptionArn=arn)
        self.assertEqual((self.listed(), counts()), ([], ["0", "0", "1"]))
        self.refused("NotFound", self.sns.get_subscription_attributes, 404, SubscriptionArn=arn)
        with self.assertRaises(urllib.error.HTTPError):
            control(f"settings?account={self.account}", "POST", {"sns_confirm": self.topic})

    def test_only_the_confirmed_are_told(self):
        self.subscribe()
        self.subscribe(endpoint="b@example.com")
        control(f"settings?account={self.account}", "POST", {"sns_confirm": "b@example.com"})
        control("deliver", "POST", {"account": self.account, "region": REGION, "topic_arn": self.topic, "service": "cloudwatch.amazonaws.com"})
        self.assertEqual(control(f"deliveries?account={self.account}")[-1]["recipients"], ["b@example.com"])

    def test_a_queue_needs_no_confirmation_and_a_url_is_never_called(self):
        queue = self.subscribe("sqs", f"arn:aws:sqs:{REGION}:{self.account}:q")
        self.assertTrue(queue.startswith(self.topic + ":"))
        self.assertEqual(self.subscribe("https", "https://127.0.0.1:1/"), "pending confirmation")
        control(f"settings?account={self.account}", "POST", {"sns_confirm": "https://127.0.0.1:1/"})
        self.sns.unsubscribe(SubscriptionArn=queue)
        self.sns.publish(TopicArn=self.topic, Message="m")

    def test_what_is_refused(self):
        for protocol, endpoint in (("email", "nobody"), ("https", "http://x"), ("pigeon", "x"), ("sqs", "q")):
            with self.subTest(protocol):
                self.refused("InvalidParameter", self.subscribe, protocol=protocol, endpoint=endpoint)
        self.refused("InvalidParameter", self.subscribe, Attributes={"Nothing": "1"})
        self.subscribe(Attributes={"FilterPolicy": '{"a": ["b"]}'})
        self.refused("InvalidParameter", self.subscribe, Attributes={"FilterPolicy": '{"a": ["c"]}'})
        self.refused("NotFound", self.sns.subscribe, 404, TopicArn=self.topic + "x", Protocol="email", Endpoint="a@example.com")
        self.refused("InvalidParameter", self.sns.confirm_subscription, TopicArn=self.topic, Token="x")
