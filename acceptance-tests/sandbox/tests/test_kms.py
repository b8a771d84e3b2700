"""KMS against its developer guide and API reference."""

import json
import uuid

from .served import SandboxTest, policy, trust


class Kms(SandboxTest):
    def setUp(self):
        super().setUp()
        self.kms = self.aws("kms")

    def make(self, **more):
        return self.kms.create_key(**more)["KeyMetadata"]["KeyId"]

    def root(self, action="kms:*", **more):
        return {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": action, "Resource": "*", **more}

    def test_a_key_has_what_it_was_made_with(self):
        made = self.kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
        found = self.kms.describe_key(KeyId=made["Arn"])["KeyMetadata"]
        self.assertEqual((found["KeyState"], found["KeyUsage"], found["KeySpec"], found["Description"]), ("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "d"))
        self.assertEqual(self.kms.list_resource_tags(KeyId=made["KeyId"])["Tags"], [{"TagKey": "a", "TagValue": "b"}])
        self.assertEqual(self.world("kms:key")[0]["tags"], {"a": "b"})
        shown = json.loads(self.kms.get_key_policy(KeyId=made["KeyId"])["Policy"])
        self.assertEqual(shown["Statement"][0]["Principal"], {"AWS": self.arn("root")})

    def test_two_creates_are_two_keys(self):
        self.assertNotEqual(self.make(), self.make())

    def test_not_found(self):
        for wrong in (str(uuid.uuid4()), "alias/none", f"arn:aws:kms:eu-central-1:{self.account}:key/{uuid.uuid4()}"):
            self.refused("NotFoundException", self.kms.describe_key, KeyId=wrong)

    def test_tags(self):
        key = self.make()
        self.refused("TagException", self.kms.create_key, Tags=[{"TagKey": "aws:x", "TagValue": ""}])
        self.refused("TagException", self.kms.tag_resource, KeyId=key, Tags=[{"TagKey": "AWS:x", "TagValue": ""}])
        same = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]
        self.refused("TagException", self.kms.create_key, Tags=same)
        self.kms.tag_resource(KeyId=key, Tags=[{"TagKey": str(n), "TagValue": ""} for n in range(50)])
        self.refused("TagException", self.kms.tag_resource, KeyId=key, Tags=[{"TagKey": "50", "TagValue": ""}])
        self.kms.untag_resource(KeyId=key, TagKeys=[str(n) for n in range(1, 50)])
        self.assertEqual(len(self.kms.list_resource_tags(KeyId=key)["Tags"]), 1)

    def test_malformed_policies(self):
        key = self.make()
        bad = "MalformedPolicyDocumentException"
        for text in ("{bad", "{}", "[]", '{"Statement":[]}', policy({"Effect": "Maybe", "Principal": "*", "Action": "kms:*", "Resource": "*"})):
            with self.subTest(text):
                self.refused(bad, self.kms.put_key_policy, KeyId=key, Policy=text)
                self.refused(bad, self.kms.create_key, Policy=text)

    def test_principals_must_exist(self):
        role = self.arn("role/path/r")
        statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:Decrypt", "Resource": "*"}
        text = policy(self.root(), statement)
        self.refused("MalformedPolicyDocumentException", self.kms.create_key, Policy=text)
        iam = self.aws("iam")
        iam.create_role(RoleName="r", Path="/path/", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        key = self.make(Policy=text)
        without_path = policy(self.root(), {**statement, "Principal": {"AWS": self.arn("role/r")}})
        self.refused("MalformedPolicyDocumentException", self.kms.put_key_policy, KeyId=key, Policy=without_path)
        service = {**statement, "Principal": {"Service": "logs.eu-central-1.amazonaws.com"}}
        self.kms.put_key_policy(KeyId=key, Policy=policy(self.root(), statement, service))

    def test_a_deleted_principal_becomes_its_id(self):
        iam = self.aws("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))["Role"]
        statement = {"Effect": "Allow", "Principal": {"AWS": role["Arn"]}, "Action": "kms:Decrypt", "Resource": "*"}
        key = self.make(Policy=policy(self.root(), statement))
        iam.delete_role(RoleName="r")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        shown = json.loads(self.kms.get_key_policy(KeyId=key)["Policy"])
        self.assertEqual(shown["Statement"][1]["Principal"]["AWS"], role["RoleId"])

    def test_lockout(self):
        key = self.make()
        service = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
        for statement in (service, self.root("kms:Decrypt")):
            message = self.refused("MalformedPolicyDocumentException", self.kms.put_key_policy, KeyId=key, Policy=policy(statement))
            self.assertEqual(message, "The new key policy will not allow you to update the key policy in the future.")
        self.kms.put_key_policy(KeyId=key, Policy=policy(service), BypassPolicyLockoutSafetyCheck=True)

    def test_rotation(self):
        key = self.make()
        self.assertFalse(self.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        for days in (89, 2561):
            self.refused("ValidationException", self.kms.enable_key_rotation, KeyId=key, RotationPeriodInDays=days)
        self.kms.enable_key_rotation(KeyId=key)
        self.assertEqual(self.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"], 365)
        self.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
        found = self.kms.get_key_rotation_status(KeyId=key)
        self.assertEqual((found["KeyRotationEnabled"], found["RotationPeriodInDays"]), (True, 90))
        self.assertIn("NextRotationDate", found)
        self.kms.rotate_key_on_demand(KeyId=key)
        self.kms.disable_key_rotation(KeyId=key)
        self.assertNotIn("RotationPeriodInDays", self.kms.get_key_rotation_status(KeyId=key))

    def test_rotation_of_asymmetric_keys(self):
        key = self.make(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.refused("UnsupportedOperationException", self.kms.enable_key_rotation, KeyId=key)
        self.refused("UnsupportedOperationException", self.kms.get_key_rotation_status, KeyId=key)

    def test_a_disabled_key(self):
        key = self.make()
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        self.kms.disable_key(KeyId=key)
        for call, more in (
            (self.kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
            (self.kms.decrypt, {"CiphertextBlob": blob}),
            (self.kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
            (self.kms.enable_key_rotation, {"KeyId": key}),
            (self.kms.disable_key_rotation, {"KeyId": key}),
        ):
            self.refused("DisabledException", call, **more)
        self.kms.update_key_description(KeyId=key, Description="still")
        self.kms.create_alias(AliasName="alias/d", TargetKeyId=key)
        self.kms.get_key_rotation_status(KeyId=key)
        self.kms.enable_key(KeyId=key)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")

    def test_a_key_pending_deletion(self):
        key = self.make()
        self.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        for window in (6, 31):
            self.refused("ValidationException", self.kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=window)
        scheduled = self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.assertEqual((scheduled["KeyState"], scheduled["PendingWindowInDays"]), ("PendingDeletion", 7))
        self.assertTrue(scheduled["KeyId"].startswith("arn:"))
        self.assertEqual(self.world("kms:key")[0]["state"], "PendingDeletion")
        for call, more in (
            (self.kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
            (self.kms.decrypt, {"CiphertextBlob": blob}),
            (self.kms.enable_key, {"KeyId": key}),
            (self.kms.disable_key, {"KeyId": key}),
            (self.kms.enable_key_rotation, {"KeyId": key}),
            (self.kms.disable_key_rotation, {"KeyId": key}),
            (self.kms.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
            (self.kms.update_key_description, {"KeyId": key, "Description": "d"}),
            (self.kms.create_alias, {"AliasName": "alias/p", "TargetKeyId": key}),
            (self.kms.schedule_key_deletion, {"KeyId": key}),
        ):
            self.refused("KMSInvalidStateException", call, **more)
        # The key state table: these succeed; the rotation status reads false meanwhile.
        self.assertIn("DeletionDate", self.kms.describe_key(KeyId=key)["KeyMetadata"])
        self.kms.get_key_policy(KeyId=key)
        self.kms.list_resource_tags(KeyId=key)
        self.assertFalse(self.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        self.kms.cancel_key_deletion(KeyId=key)
        self.assertEqual(self.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Disabled")
        self.refused("KMSInvalidStateException", self.kms.cancel_key_deletion, KeyId=key)
        self.kms.enable_key(KeyId=key)
        self.assertEqual(self.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"], 100)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")

    def test_ciphertexts(self):
        one, two = self.make(), self.make()
        blob = self.kms.encrypt(KeyId=one, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
        self.refused("InvalidCiphertextException", self.kms.decrypt, CiphertextBlob=blob)
        self.refused("IncorrectKeyException", self.kms.decrypt, CiphertextBlob=blob, EncryptionContext={"a": "b"}, KeyId=two)
        again = self.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext={"a": "b"}, DestinationKeyId=two)["CiphertextBlob"]
        self.assertEqual(self.kms.decrypt(CiphertextBlob=again, KeyId=two)["Plaintext"], b"x")
        self.refused("InvalidCiphertextException", self.kms.decrypt, CiphertextBlob=b"nonsense")

    def test_aliases(self):
        one, two = self.make(), self.make()
        self.kms.create_alias(AliasName="alias/x", TargetKeyId=one)
        self.refused("AlreadyExistsException", self.kms.create_alias, AliasName="alias/x", TargetKeyId=two)
        self.refused("NotAuthorizedException", self.kms.create_alias, AliasName="alias/aws/x", TargetKeyId=one)
        self.refused("ValidationException", self.kms.create_alias, AliasName="x", TargetKeyId=one)
        self.refused("ValidationException", self.kms.create_alias, AliasName="alias/x y", TargetKeyId=one)
        self.refused("NotFoundException", self.kms.update_alias, AliasName="alias/none", TargetKeyId=one)
        self.kms.update_alias(AliasName="alias/x", TargetKeyId=two)
        found = self.kms.list_aliases(KeyId=two)["Aliases"]
        self.assertEqual([each["AliasName"] for each in found], ["alias/x"])
        self.assertIn("LastUpdatedDate", found[0])
        self.assertEqual(self.kms.list_aliases(KeyId=one)["Aliases"], [])
        # A key that is pending deletion keeps its aliases until they are deleted.
        self.kms.schedule_key_deletion(KeyId=two)
        self.assertEqual(len(self.kms.list_aliases(KeyId=two)["Aliases"]), 1)
        self.kms.update_alias(AliasName="alias/x", TargetKeyId=one)
        self.refused("KMSInvalidStateException", self.kms.update_alias, AliasName="alias/x", TargetKeyId=two)
        self.kms.delete_alias(AliasName="alias/x")
        self.refused("NotFoundException", self.kms.delete_alias, AliasName="alias/x")

    def test_alias_quota_and_pages(self):
        key = self.make()
        for n in range(50):
            self.kms.create_alias(AliasName=f"alias/{n}", TargetKeyId=key)
        self.refused("LimitExceededException", self.kms.create_alias, AliasName="alias/50", TargetKeyId=key)
        pages = self.kms.get_paginator("list_aliases").paginate(KeyId=key, PaginationConfig={"PageSize": 20})
        self.assertEqual([len(page["Aliases"]) for page in pages], [20, 20, 10])

    def test_grants(self):
        key = self.make()
        grantee = self.arn("role/r")
        self.refused("InvalidArnException", self.kms.create_grant, KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
        self.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        asked = {"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Decrypt"], "Name": "g"}
        first = self.kms.create_grant(**asked)["GrantId"]
        self.assertEqual(self.kms.create_grant(**asked)["GrantId"], first)
        found = self.kms.list_grants(KeyId=key)["Grants"]
        self.assertEqual([(grant["GrantId"], grant["Name"]) for grant in found], [(first, "g")])
        self.assertEqual([each["id"] for each in self.world("kms:grant")], [first])
        role_id = self.aws("iam").get_role(RoleName="r")["Role"]["RoleId"]
        self.aws("iam").delete_role(RoleName="r")
        self.assertEqual(self.kms.list_grants(KeyId=key)["Grants"][0]["GranteePrincipal"], role_id)
        self.kms.revoke_grant(KeyId=key, GrantId=first)
        self.assertEqual(self.kms.list_grants(KeyId=key)["Grants"], [])
