"""S3 against its user guide and API reference."""

import json

from deeploy_sandbox.rules import s3_buckets

from .served import REGION, SandboxTest, client, policy


class S3(SandboxTest):
    def setUp(self):
        super().setUp()
        self.s3 = self.aws("s3")
        self.name = f"bucket-{self.account}"

    def make(self, name=None, **more):
        name = name or self.name
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}, **more)
        return name

    def test_a_new_bucket_has_awss_defaults(self):
        self.make()
        rule = self.s3.get_bucket_encryption(Bucket=self.name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
        self.assertIs(rule["BucketKeyEnabled"], False)
        block = self.s3.get_public_access_block(Bucket=self.name)["PublicAccessBlockConfiguration"]
        self.assertEqual(list(block.values()), [True] * 4)
        owner = self.s3.get_bucket_ownership_controls(Bucket=self.name)["OwnershipControls"]["Rules"]
        self.assertEqual(owner, [{"ObjectOwnership": "BucketOwnerEnforced"}])
        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket=self.name))
        self.assertEqual(self.s3.get_bucket_location(Bucket=self.name)["LocationConstraint"], REGION)
        self.assertEqual(self.s3.head_bucket(Bucket=self.name)["BucketRegion"], REGION)
        self.assertNotIn("LoggingEnabled", self.s3.get_bucket_logging(Bucket=self.name))

    def test_what_is_not_set_has_its_own_error(self):
        self.make()
        for call, code in (
            (self.s3.get_bucket_policy, "NoSuchBucketPolicy"),
            (self.s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
            (self.s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
            (self.s3.get_bucket_tagging, "NoSuchTagSet"),
            (self.s3.get_bucket_cors, "NoSuchCORSConfiguration"),
            (self.s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
            (self.s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        ):
            self.refused(code, call, status=404, Bucket=self.name)

    def test_tags_at_creation(self):
        tags = [{"Key": "a", "Value": "b & c"}]
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION, "Tags": tags})
        self.assertEqual(self.s3.get_bucket_tagging(Bucket=self.name)["TagSet"], tags)
        self.assertEqual(self.world("s3:bucket")[0]["tags"], {"a": "b & c"})
        wrong = [{"Key": "aws:a", "Value": "b"}]
        self.refused("InvalidTag", self.s3.put_bucket_tagging, Bucket=self.name, Tagging={"TagSet": wrong})
        east = self.aws("s3", "us-east-1")
        east.create_bucket(Bucket=self.name + "-east", CreateBucketConfiguration={"Tags": tags})
        self.assertEqual(east.get_bucket_tagging(Bucket=self.name + "-east")["TagSet"], tags)

    def test_locations(self):
        east = self.aws("s3", "us-east-1")
        east.create_bucket(Bucket=self.name)
        self.assertIsNone(east.get_bucket_location(Bucket=self.name)["LocationConstraint"])
        bad = "IllegalLocationConstraintException"
        self.refused(bad, self.s3.create_bucket, Bucket=self.name + "-2")
        self.refused(bad, self.s3.create_bucket, Bucket=self.name + "-2", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.refused("InvalidLocationConstraint", east.create_bucket, Bucket=self.name + "-2", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})

    def test_creating_twice(self):
        self.make()
        again = {"Bucket": self.name, "CreateBucketConfiguration": {"LocationConstraint": REGION}}
        self.refused("BucketAlreadyOwnedByYou", self.s3.create_bucket, status=409, **again)
        east = self.aws("s3", "us-east-1")
        east.create_bucket(Bucket=self.name + "-east")
        east.put_bucket_versioning(Bucket=self.name + "-east", VersioningConfiguration={"Status": "Enabled"})
        east.create_bucket(Bucket=self.name + "-east")
        self.assertEqual(east.get_bucket_versioning(Bucket=self.name + "-east")["Status"], "Enabled")

    def test_names(self):
        for name in ("ab", "Upper-case", "-begins", "ends-", "two..dots", "1.2.3.4", "xn--x", "x-s3alias", "a" * 64, "under_score"):
            with self.subTest(name):
                self.refused("InvalidBucketName", self.s3.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def test_a_deleted_name_may_be_busy(self):
        self.make()
        s3_buckets.settings.name_busy_s = 60.0
        self.addCleanup(setattr, s3_buckets.settings, "name_busy_s", 0.0)
        self.s3.delete_bucket(Bucket=self.name)
        again = {"Bucket": self.name, "CreateBucketConfiguration": {"LocationConstraint": REGION}}
        self.refused("OperationAborted", self.s3.create_bucket, status=409, **again)

    def test_the_expected_owner_is_checked_everywhere(self):
        self.make()
        other = "999999999999"
        s3 = self.s3
        for call in (s3.get_bucket_tagging, s3.list_objects_v2, s3.delete_bucket, s3.get_bucket_location, s3.get_bucket_policy):
            self.refused("AccessDenied", call, status=403, Bucket=self.name, ExpectedBucketOwner=other)
        self.refused("403", s3.head_bucket, status=403, Bucket=self.name, ExpectedBucketOwner=other)
        self.refused("AccessDenied", self.s3.put_object, status=403, Bucket=self.name, Key="k", Body=b"", ExpectedBucketOwner=other)
        self.s3.head_bucket(Bucket=self.name, ExpectedBucketOwner=self.account)

    def test_the_wrong_region(self):
        self.make()
        far = self.aws("s3", "eu-west-1")
        # boto3 follows the redirect by itself when it learns the region, so look at the first answer.
        far.meta.events.unregister("needs-retry.s3")
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        from .served import endpoint

        request = Request(f"{endpoint()}/{self.name}?tagging")
        request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential={self.key}/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=x")
        with self.assertRaises(HTTPError) as caught:
            urlopen(request)
        self.assertEqual(caught.exception.code, 301)
        self.assertEqual(caught.exception.headers["x-amz-bucket-region"], REGION)
        self.assertIn(b"<Code>PermanentRedirect</Code>", caught.exception.read())
        caught.exception.close()

    def test_head_has_no_body(self):
        self.refused("404", self.s3.head_bucket, status=404, Bucket="nobody-" + self.account)
        self.refused("NoSuchBucket", self.s3.list_objects_v2, status=404, Bucket="nobody-" + self.account)

    def test_only_an_empty_bucket_goes(self):
        self.make()
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        version = self.s3.put_object(Bucket=self.name, Key="k", Body=b"x")["VersionId"]
        self.refused("BucketNotEmpty", self.s3.delete_bucket, status=409, Bucket=self.name)
        marker = self.s3.delete_object(Bucket=self.name, Key="k")["VersionId"]
        self.s3.delete_object(Bucket=self.name, Key="k", VersionId=version)
        self.refused("BucketNotEmpty", self.s3.delete_bucket, status=409, Bucket=self.name)
        self.s3.delete_object(Bucket=self.name, Key="k", VersionId=marker)
        upload = self.s3.create_multipart_upload(Bucket=self.name, Key="m")["UploadId"]
        self.refused("BucketNotEmpty", self.s3.delete_bucket, status=409, Bucket=self.name)
        self.s3.abort_multipart_upload(Bucket=self.name, Key="m", UploadId=upload)
        self.s3.delete_bucket(Bucket=self.name)
        self.assertEqual(self.world("s3:bucket"), [])

    def test_bucket_policies(self):
        self.make()
        arn = f"arn:aws:s3:::{self.name}"
        own = {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "s3:GetObject", "Resource": arn + "/*"}
        for statement in (
            {**own, "Principal": {"AWS": self.arn("role/none")}},
            {**own, "Resource": "arn:aws:s3:::another/*"},
            {**own, "Action": "kms:Decrypt"},
            {**own, "Effect": "Perhaps"},
            {key: value for key, value in own.items() if key != "Principal"},
            {**own, "Condition": {"Sometimes": {"a": "b"}}},
        ):
            with self.subTest(statement):
                self.refused("MalformedPolicy", self.s3.put_bucket_policy, status=400, Bucket=self.name, Policy=policy(statement))
        self.refused("MalformedPolicy", self.s3.put_bucket_policy, Bucket=self.name, Policy="{")
        text = policy(own)
        self.s3.put_bucket_policy(Bucket=self.name, Policy=text)
        self.assertEqual(json.loads(self.s3.get_bucket_policy(Bucket=self.name)["Policy"]), json.loads(text))
        self.assertFalse(self.s3.get_bucket_policy_status(Bucket=self.name)["PolicyStatus"]["IsPublic"])
        self.s3.delete_bucket_policy(Bucket=self.name)
        self.refused("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket=self.name)

    def test_public_policies_are_blocked(self):
        self.make()
        arn = f"arn:aws:s3:::{self.name}/*"
        public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": arn}
        self.refused("AccessDenied", self.s3.put_bucket_policy, status=403, Bucket=self.name, Policy=policy(public))
        narrow = {**public, "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}
        self.s3.put_bucket_policy(Bucket=self.name, Policy=policy(narrow))
        everyone = {**public, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        self.s3.put_bucket_policy(Bucket=self.name, Policy=policy(everyone))
        # Such a deny must not shut anyone out: the sandbox counts its plain HTTP as TLS.
        self.s3.put_object(Bucket=self.name, Key="k", Body=b"x")
        self.s3.delete_public_access_block(Bucket=self.name)
        self.s3.put_bucket_policy(Bucket=self.name, Policy=policy(public))
        self.assertTrue(self.s3.get_bucket_policy_status(Bucket=self.name)["PolicyStatus"]["IsPublic"])
        self.refused("NoSuchPublicAccessBlockConfiguration", self.s3.get_public_access_block, status=404, Bucket=self.name)

    def test_acls_are_off_by_default(self):
        self.make()
        bad = "AccessControlListNotSupported"
        self.refused(bad, self.s3.put_bucket_acl, status=400, Bucket=self.name, ACL="private")
        self.refused(bad, self.s3.put_object, status=400, Bucket=self.name, Key="k", Body=b"", ACL="public-read")
        self.s3.get_bucket_acl(Bucket=self.name)
        self.s3.put_bucket_ownership_controls(Bucket=self.name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
        self.s3.put_bucket_acl(Bucket=self.name, ACL="private")
        self.refused("AccessDenied", self.s3.put_bucket_acl, status=403, Bucket=self.name, ACL="public-read")

    def test_encryption_with_a_key(self):
        self.make()
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]

        def encrypt(key_id):
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
            rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
            self.s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": rules})

        missing = f"arn:aws:kms:{REGION}:{self.account}:key/00000000-0000-0000-0000-000000000000"
        encrypt(missing)
        self.refused("KMS.NotFoundException", self.s3.put_object, status=400, Bucket=self.name, Key="k", Body=b"x")
        encrypt(key)
        rule = self.s3.get_bucket_encryption(Bucket=self.name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual((rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"], rule["BucketKeyEnabled"]), (key, True))
        self.s3.put_object(Bucket=self.name, Key="k", Body=b"x")
        self.assertEqual(self.s3.head_object(Bucket=self.name, Key="k")["SSEKMSKeyId"], key)
        kms.disable_key(KeyId=key)
        self.refused("KMS.DisabledException", self.s3.get_object, status=400, Bucket=self.name, Key="k")
        kms.schedule_key_deletion(KeyId=key)
        self.refused("KMS.KMSInvalidStateException", self.s3.put_object, Bucket=self.name, Key="k", Body=b"x")
        self.s3.delete_bucket_encryption(Bucket=self.name)
        rule = self.s3.get_bucket_encryption(Bucket=self.name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")

    def test_lifecycle(self):
        self.make()
        rule = {
            "ID": "x",
            "Status": "Enabled",
            "Filter": {"Prefix": "logs/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }

        def put(*rules, **more):
            return self.s3.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration={"Rules": list(rules)}, **more)

        put(rule)
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.name)
        self.assertEqual(found["Rules"], [rule])
        self.assertEqual(found["TransitionDefaultMinimumObjectSize"], "all_storage_classes_128K")
        put(rule, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.name)
        self.assertEqual(found["TransitionDefaultMinimumObjectSize"], "varies_by_storage_class")
        put({key: value for key, value in rule.items() if key != "ID"})
        self.assertTrue(self.s3.get_bucket_lifecycle_configuration(Bucket=self.name)["Rules"][0]["ID"])
        with self.assertRaisesRegex(Exception, "InvalidArgument"):
            put(rule, rule)
        with self.assertRaisesRegex(Exception, "InvalidRequest"):
            put({"ID": "y", "Status": "Enabled", "Filter": {"Prefix": ""}})
        self.s3.delete_bucket_lifecycle(Bucket=self.name)
        self.refused("NoSuchLifecycleConfiguration", self.s3.get_bucket_lifecycle_configuration, Bucket=self.name)

    def test_logging_needs_a_target_that_admits_it(self):
        self.make()
        target = self.make(f"logs-{self.account}")
        wanted = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "a/"}}

        def put():
            self.s3.put_bucket_logging(Bucket=self.name, BucketLoggingStatus=wanted)

        self.refused("InvalidTargetBucketForLogging", put, status=400)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{target}/a/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account}, "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{self.name}"}},
        }
        self.s3.put_bucket_policy(Bucket=target, Policy=policy(statement))
        put()
        self.assertEqual(self.s3.get_bucket_logging(Bucket=self.name)["LoggingEnabled"], wanted["LoggingEnabled"])
        self.s3.put_bucket_logging(Bucket=self.name, BucketLoggingStatus={})
        self.assertNotIn("LoggingEnabled", self.s3.get_bucket_logging(Bucket=self.name))

    def test_an_object_comes_back(self):
        self.make()
        self.s3.put_object(Bucket=self.name, Key="a b/ü", Body=b"\x00\xff", ContentType="x/y")
        found = self.s3.get_object(Bucket=self.name, Key="a b/ü")
        self.assertEqual((found["Body"].read(), found["ContentType"], found["ServerSideEncryption"]), (b"\x00\xff", "x/y", "AES256"))
        self.refused("NoSuchKey", self.s3.get_object, status=404, Bucket=self.name, Key="none")
        self.assertEqual(client("s3", self.key).list_objects_v2(Bucket=self.name)["KeyCount"], 1)
