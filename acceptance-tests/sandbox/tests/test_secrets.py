"""Secrets Manager against its user guide and API reference."""

import json

from .served import REGION, SandboxTest, client, policy


class Secrets(SandboxTest):
    def setUp(self):
        super().setUp()
        self.secrets = self.aws("secretsmanager")

    def make(self, name="n", **more):
        return self.secrets.create_secret(Name=name, SecretString="one", **more)

    def test_versions_and_their_labels(self):
        arn = self.make(Tags=[{"Key": "a", "Value": "b"}])["ARN"]
        second = self.secrets.put_secret_value(SecretId=arn, SecretString="two")
        self.assertEqual(second["VersionStages"], ["AWSCURRENT"])
        self.assertEqual(self.secrets.get_secret_value(SecretId="n")["SecretString"], "two")
        self.assertEqual(self.secrets.get_secret_value(SecretId="n", VersionStage="AWSPREVIOUS")["SecretString"], "one")
        self.secrets.put_secret_value(SecretId=arn, SecretString="three")
        stages = self.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        self.assertEqual(sorted(sum(stages.values(), [])), ["AWSCURRENT", "AWSPREVIOUS"])
        self.refused("ResourceExistsException", self.secrets.create_secret, Name="n", SecretString="x")
        self.assertEqual(self.world("secretsmanager:secret")[0]["tags"], {"a": "b"})

    def test_tokens(self):
        token, other = "t" * 32, "u" * 32
        first = self.make(ClientRequestToken=token)
        again = self.make(ClientRequestToken=token)
        self.assertEqual((first["ARN"], first["VersionId"]), (again["ARN"], again["VersionId"]))
        self.refused("ResourceExistsException", self.secrets.create_secret, Name="n", SecretString="two", ClientRequestToken=token)
        put = {"SecretId": "n", "SecretString": "two", "ClientRequestToken": other}
        self.assertEqual(self.secrets.put_secret_value(**put)["VersionId"], other)
        self.assertEqual(self.secrets.put_secret_value(**put)["VersionId"], other)
        self.refused("ResourceExistsException", self.secrets.put_secret_value, **{**put, "SecretString": "three"})
        self.assertEqual(self.world("secretsmanager:secret")[0]["versions"], 2)
        self.refused("InvalidParameterException", self.secrets.put_secret_value, SecretId="n", SecretString="x", ClientRequestToken="short")

    def test_a_deleted_secret_keeps_its_name(self):
        self.make()
        for days in (6, 31):
            self.refused("InvalidParameterException", self.secrets.delete_secret, SecretId="n", RecoveryWindowInDays=days)
        self.refused("InvalidParameterException", self.secrets.delete_secret, SecretId="n", RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
        self.secrets.delete_secret(SecretId="n", RecoveryWindowInDays=7)
        self.assertIn("DeletedDate", self.secrets.describe_secret(SecretId="n"))
        self.assertEqual(self.world("secretsmanager:secret")[0]["state"], "PendingDeletion")
        for call, more in (
            (self.secrets.get_secret_value, {"SecretId": "n"}),
            (self.secrets.put_secret_value, {"SecretId": "n", "SecretString": "x"}),
            (self.secrets.update_secret, {"SecretId": "n", "Description": "x"}),
            (self.secrets.tag_resource, {"SecretId": "n", "Tags": [{"Key": "a", "Value": "b"}]}),
            (self.secrets.delete_secret, {"SecretId": "n"}),
            (self.secrets.create_secret, {"Name": "n", "SecretString": "x"}),
        ):
            self.refused("InvalidRequestException", call, **more)
        self.assertEqual(self.secrets.list_secrets()["SecretList"], [])
        self.assertEqual(len(self.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]), 1)
        self.secrets.restore_secret(SecretId="n")
        self.assertEqual(self.secrets.get_secret_value(SecretId="n")["SecretString"], "one")
        self.assertNotIn("DeletedDate", self.secrets.describe_secret(SecretId="n"))
        self.secrets.delete_secret(SecretId="n", ForceDeleteWithoutRecovery=True)
        self.refused("ResourceNotFoundException", self.secrets.describe_secret, SecretId="n")
        self.make()

    def test_the_key_must_be_there(self):
        missing = f"arn:aws:kms:{REGION}:{self.account}:key/00000000-0000-0000-0000-000000000000"
        self.refused("InvalidParameterException", self.make, KmsKeyId=missing)
        self.refused("InvalidParameterException", self.make, KmsKeyId="alias/none")
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        self.make(KmsKeyId=key)
        self.assertEqual(self.secrets.describe_secret(SecretId="n")["KmsKeyId"], key)
        kms.disable_key(KeyId=key)
        self.refused("DecryptionFailure", self.secrets.get_secret_value, SecretId="n")
        self.refused("EncryptionFailure", self.secrets.put_secret_value, SecretId="n", SecretString="x")

    def test_a_label_that_moves_takes_the_value_with_it(self):
        self.make()
        token = "t" * 32
        self.secrets.put_secret_value(SecretId="n", SecretString="two", ClientRequestToken=token, VersionStages=["AWSPENDING"])
        self.assertEqual(self.secrets.get_secret_value(SecretId="n")["SecretString"], "one")
        self.assertEqual(self.secrets.get_secret_value(SecretId="n", VersionStage="AWSPENDING")["SecretString"], "two")
        before = self.secrets.get_secret_value(SecretId="n")["VersionId"]
        self.secrets.update_secret_version_stage(SecretId="n", VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=before)
        self.assertEqual(self.secrets.get_secret_value(SecretId="n")["SecretString"], "two")
        self.assertEqual(self.secrets.get_secret_value(SecretId="n", VersionStage="AWSPREVIOUS")["SecretString"], "one")

    def test_limits(self):
        self.refused("InvalidParameterException", self.secrets.create_secret, Name="n", SecretString="x" * 65_537)
        self.refused("ValidationException", self.secrets.create_secret, Name="not a name", SecretString="x")
        self.refused("InvalidParameterException", self.make, Tags=[{"Key": "aws:a", "Value": ""}])
        self.refused("ResourceNotFoundException", self.secrets.get_secret_value, SecretId="none")

    def test_policies(self):
        self.make()
        deny = policy({"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"})
        self.secrets.put_resource_policy(SecretId="n", ResourcePolicy=deny)
        self.assertEqual(json.loads(self.secrets.get_resource_policy(SecretId="n")["ResourcePolicy"]), json.loads(deny))
        self.refused("MalformedPolicyDocumentException", self.secrets.put_resource_policy, SecretId="n", ResourcePolicy="{")
        unknown = policy({"Effect": "Allow", "Principal": {"AWS": self.arn("role/none")}, "Action": "secretsmanager:*", "Resource": "*"})
        self.refused("MalformedPolicyDocumentException", self.secrets.put_resource_policy, SecretId="n", ResourcePolicy=unknown)
        public = policy({"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"})
        self.refused("PublicPolicyException", self.secrets.put_resource_policy, SecretId="n", ResourcePolicy=public, BlockPublicPolicy=True)

    def test_a_secrets_policy_lets_a_user_in(self):
        arn = self.make()["ARN"]
        iam = self.aws("iam")
        iam.create_user(UserName="u")
        theirs = client("secretsmanager", iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])
        self.refused("AccessDeniedException", theirs.get_secret_value, SecretId=arn)
        statement = {"Effect": "Allow", "Principal": {"AWS": self.arn("user/u")}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        self.secrets.put_resource_policy(SecretId="n", ResourcePolicy=policy(statement))
        self.assertEqual(theirs.get_secret_value(SecretId=arn)["SecretString"], "one")
