"""CloudWatch Logs against its API reference and user guide."""

from .served import REGION, SandboxTest, policy


class LogGroups(SandboxTest):
    def setUp(self):
        super().setUp()
        self.logs = self.aws("logs")

    def group_arn(self, name="/g"):
        return f"arn:aws:logs:{REGION}:{self.account}:log-group:{name}"

    def found(self, name="/g"):
        return self.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]

    def log_key(self, **condition):
        root = {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "kms:*", "Resource": "*"}
        service = {
            "Effect": "Allow", "Principal": {"Service": f"logs.{REGION}.amazonaws.com"}, "Resource": "*",
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"], **condition,
        }  # fmt: skip
        return self.aws("kms").create_key(Policy=policy(root, service))["KeyMetadata"]["Arn"]

    def test_a_group_has_what_it_was_made_with(self):
        key = self.log_key()
        self.logs.create_log_group(logGroupName="/g", kmsKeyId=key, tags={"a": "b"}, deletionProtectionEnabled=True)
        self.logs.put_retention_policy(logGroupName="/g", retentionInDays=365)
        found = self.found()
        self.assertEqual(
            (found["arn"], found["logGroupArn"], found["kmsKeyId"], found["retentionInDays"], found["deletionProtectionEnabled"], found["logGroupClass"]),
            (self.group_arn() + ":*", self.group_arn(), key, 365, True, "STANDARD"),
        )
        self.assertEqual(self.logs.list_tags_for_resource(resourceArn=self.group_arn())["tags"], {"a": "b"})
        self.refused("ResourceAlreadyExistsException", self.logs.create_log_group, logGroupName="/g")
        world = self.world("logs:log_group")[0]
        self.assertEqual((world["id"], world["tags"], world["retention_in_days"], world["kms_key_id"]), ("/g", {"a": "b"}, 365, key))

    def test_the_key_must_admit_the_service_for_this_group(self):
        kms = self.aws("kms")
        plain = kms.create_key()["KeyMetadata"]["Arn"]
        exact = lambda name: self.log_key(Condition={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": self.group_arn(name)}})  # noqa: E731
        for wrong in (plain, plain.rpartition("/")[2], "alias/x", plain[:-12] + "000000000000", exact("/other"), exact("/g:*")):
            with self.subTest(wrong):
                text = self.refused("InvalidParameterException", self.logs.create_log_group, logGroupName="/g", kmsKeyId=wrong)
                self.assertIn(f"not allowed to be used with Arn '{self.group_arn()}'", text)
        self.assertEqual(self.world("logs:log_group"), [])
        self.logs.create_log_group(logGroupName="/g", kmsKeyId=exact("/g"))
        self.refused("InvalidParameterException", self.logs.associate_kms_key, logGroupName="/g", kmsKeyId=plain)
        wide = self.log_key(Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self.group_arn("*")}})
        self.logs.associate_kms_key(resourceIdentifier=self.group_arn(), kmsKeyId=wide)
        self.assertEqual(self.found()["kmsKeyId"], wide)
        self.logs.disassociate_kms_key(logGroupName="/g")
        self.assertNotIn("kmsKeyId", self.found())
        kms.disable_key(KeyId=wide)
        self.refused("InvalidParameterException", self.logs.associate_kms_key, logGroupName="/g", kmsKeyId=wide)

    def test_what_is_refused(self):
        for wrong in ({"logGroupName": "a b"}, {"logGroupName": "aws/x"}, {"logGroupName": "g", "tags": {"aws:x": ""}}, {"logGroupName": "g", "logGroupClass": "X"}):
            with self.subTest(str(wrong)):
                self.refused("InvalidParameterException", self.logs.create_log_group, **wrong)
        self.logs.create_log_group(logGroupName="/g")
        for days in (0, 2, 31, 366):
            self.refused("InvalidParameterException", self.logs.put_retention_policy, logGroupName="/g", retentionInDays=days)
        for call in (self.logs.delete_log_group, self.logs.delete_retention_policy, self.logs.list_tags_log_group):
            self.refused("ResourceNotFoundException", call, logGroupName="/none")

    def test_protection(self):
        self.logs.create_log_group(logGroupName="/g")
        self.logs.put_log_group_deletion_protection(logGroupIdentifier=self.group_arn(), deletionProtectionEnabled=True)
        text = self.refused("ValidationException", self.logs.delete_log_group, logGroupName="/g")
        self.assertIn("deletion protection enabled", text)
        self.logs.put_log_group_deletion_protection(logGroupIdentifier="/g", deletionProtectionEnabled=False)
        self.logs.delete_log_group(logGroupName="/g")
        self.assertEqual(self.world("logs:log_group"), [])

    def test_a_group_that_is_made_again_begins_anew(self):
        filters = {"logGroupName": "/g", "filterName": "f", "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}]}
        for _ in range(2):
            self.logs.create_log_group(logGroupName="/g")
            self.assertEqual(self.logs.list_tags_for_resource(resourceArn=self.group_arn())["tags"], {})
            self.assertEqual(self.logs.describe_metric_filters(logGroupName="/g")["metricFilters"], [])
            self.logs.tag_resource(resourceArn=self.group_arn(), tags={"a": "b"})
            for pattern in ("ERROR", "FATAL"):
                self.logs.put_metric_filter(**filters, filterPattern=pattern)
            self.assertEqual([each["filterPattern"] for each in self.logs.describe_metric_filters(logGroupName="/g")["metricFilters"]], ["FATAL"])
            self.assertEqual(self.found()["metricFilterCount"], 1)
            self.logs.delete_log_group(logGroupName="/g")
        self.refused("ResourceNotFoundException", self.logs.put_metric_filter, **filters, filterPattern="")

    def test_pages(self):
        for n in range(53):
            self.logs.create_log_group(logGroupName=f"/p/{n:02}")
        self.logs.create_log_group(logGroupName="/q", logGroupClass="INFREQUENT_ACCESS")
        names = lambda **asked: [each["logGroupName"] for each in self.logs.describe_log_groups(**asked)["logGroups"]]  # noqa: E731
        first = self.logs.describe_log_groups(logGroupNamePrefix="/p/")
        self.assertEqual(len(first["logGroups"]), 50)
        self.assertEqual(names(logGroupNamePrefix="/p/", nextToken=first["nextToken"]), ["/p/50", "/p/51", "/p/52"])
        self.assertEqual(names(logGroupNamePattern="P/1", limit=2), ["/p/10", "/p/11"])
        self.assertEqual(names(logGroupClass="INFREQUENT_ACCESS"), ["/q"])
        self.refused("InvalidParameterException", self.logs.describe_log_groups, limit=51)
        self.refused("InvalidParameterException", self.logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b")

    def test_tags(self):
        self.logs.create_log_group(logGroupName="/g", tags={"a": "1"})
        self.logs.tag_resource(resourceArn=self.group_arn(), tags={"b": "2"})
        self.logs.untag_log_group(logGroupName="/g", tags=["a"])
        self.assertEqual(self.logs.list_tags_log_group(logGroupName="/g")["tags"], {"b": "2"})
        self.refused("ResourceNotFoundException", self.logs.tag_resource, resourceArn=self.group_arn("/none"), tags={"a": "1"})
        self.refused("InvalidParameterException", self.logs.tag_resource, resourceArn=self.group_arn() + ":*", tags={"a": "1"})
        self.refused("TooManyTagsException", self.logs.tag_resource, resourceArn=self.group_arn(), tags={str(n): "" for n in range(50)})
