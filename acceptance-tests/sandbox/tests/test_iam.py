"""IAM and STS against the IAM user guide and the API references."""

import base64
import json
from datetime import datetime, timezone

from .served import SandboxTest, allow, client, policy, trust

EC2 = trust({"Service": "ec2.amazonaws.com"})
READ = policy(allow("s3:GetObject"))


class Iam(SandboxTest):
    def setUp(self):
        super().setUp()
        self.iam = self.aws("iam")

    def role(self, name="r", document=EC2, **more):
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]

    def test_users_and_names(self):
        user = self.iam.create_user(UserName="u", Path="/app/", Tags=[{"Key": "a", "Value": "b"}])["User"]
        self.assertEqual(user["Arn"], self.arn("user/app/u"))
        self.assertTrue(user["UserId"].startswith("AIDA"))
        found = self.iam.get_user(UserName="u")["User"]
        self.assertEqual((found["UserId"], found["Path"], found["Tags"]), (user["UserId"], "/app/", [{"Key": "a", "Value": "b"}]))
        self.refused("EntityAlreadyExists", self.iam.create_user, status=409, UserName="u")
        self.refused("EntityAlreadyExists", self.iam.create_user, status=409, UserName="U")
        self.refused("NoSuchEntity", self.iam.get_user, status=404, UserName="none")
        self.refused("ValidationError", self.iam.create_user, status=400, UserName="not a name")
        self.refused("ValidationError", self.iam.create_user, UserName="x" * 65)
        self.refused("ValidationError", self.iam.create_user, UserName="v", Path="app")
        self.assertEqual(self.world("iam:user")[0]["tags"], {"a": "b"})

    def test_a_group_moves_without_a_new_name(self):
        self.iam.create_group(GroupName="g", Path="/a/")
        self.iam.update_group(GroupName="g", NewPath="/b/")
        moved = self.iam.get_group(GroupName="g")["Group"]
        self.assertEqual((moved["Path"], moved["Arn"]), ("/b/", f"arn:aws:iam::{self.account}:group/b/g"))

    def test_a_renamed_user_keeps_its_tags_and_keys(self):
        self.iam.create_user(UserName="taken")
        made = self.iam.create_user(UserName="u", Tags=[{"Key": "a", "Value": "b"}])["User"]
        key = self.iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        self.refused("EntityAlreadyExists", self.iam.update_user, status=409, UserName="u", NewUserName="Taken")
        self.refused("NoSuchEntity", self.iam.update_user, status=404, UserName="none", NewUserName="v")
        self.iam.update_user(UserName="u", NewUserName="v", NewPath="/app/")
        user = self.iam.get_user(UserName="v")["User"]
        self.assertEqual((user["UserId"], user["Arn"], user["Tags"]), (made["UserId"], self.arn("user/app/v"), [{"Key": "a", "Value": "b"}]))
        self.iam.delete_access_key(UserName="v", AccessKeyId=key)
        self.assertEqual(self.iam.list_access_keys(UserName="v")["AccessKeyMetadata"], [])

    def test_access_keys(self):
        self.iam.create_user(UserName="u")
        first = self.iam.create_access_key(UserName="u")["AccessKey"]
        self.assertEqual(len(first["SecretAccessKey"]), 40)
        self.assertEqual(self.iam.get_access_key_last_used(AccessKeyId=first["AccessKeyId"])["AccessKeyLastUsed"], {"ServiceName": "N/A", "Region": "N/A"})
        self.iam.create_access_key(UserName="u")
        self.iam.update_access_key(UserName="u", AccessKeyId=first["AccessKeyId"], Status="Inactive")
        self.refused("LimitExceeded", self.iam.create_access_key, status=409, UserName="u")
        self.iam.delete_access_key(UserName="u", AccessKeyId=first["AccessKeyId"])
        self.refused("NoSuchEntity", self.iam.delete_access_key, status=404, UserName="u", AccessKeyId=first["AccessKeyId"])
        self.iam.create_access_key(UserName="u")
        self.assertEqual(len(self.world("iam:access_key")), 2)
        self.refused("NoSuchEntity", self.iam.create_access_key, status=404, UserName="none")

    def test_service_specific_credentials(self):
        self.iam.create_user(UserName="u")
        self.refused("NoSuchEntity", self.iam.create_service_specific_credential, status=404, UserName="u", ServiceName="none.amazonaws.com")
        made = self.iam.create_service_specific_credential(UserName="u", ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]
        held = self.iam.list_service_specific_credentials(UserName="u")["ServiceSpecificCredentials"]
        self.assertEqual([each["ServiceSpecificCredentialId"] for each in held], [made["ServiceSpecificCredentialId"]])
        self.assertNotIn("ServicePassword", held[0])
        self.refused("DeleteConflict", self.iam.delete_user, status=409, UserName="u")
        self.iam.delete_service_specific_credential(UserName="u", ServiceSpecificCredentialId=made["ServiceSpecificCredentialId"])
        self.iam.delete_user(UserName="u")

    def test_a_user_goes_when_nothing_hangs_on_it(self):
        self.iam.create_user(UserName="u")
        key = self.iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        self.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=READ)
        self.iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        self.iam.create_group(GroupName="g")
        self.iam.add_user_to_group(GroupName="g", UserName="u")
        self.iam.create_login_profile(UserName="u", Password="pass-Word-1234")
        self.refused("DeleteConflict", self.iam.delete_group, status=409, GroupName="g")
        for call, more in (
            (self.iam.detach_user_policy, {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
            (self.iam.delete_user_policy, {"PolicyName": "p"}),
            (self.iam.delete_access_key, {"AccessKeyId": key}),
            (self.iam.remove_user_from_group, {"GroupName": "g"}),
            (self.iam.delete_login_profile, {}),
        ):
            self.refused("DeleteConflict", self.iam.delete_user, status=409, UserName="u")
            call(UserName="u", **more)
        self.iam.delete_user(UserName="u")
        self.iam.delete_group(GroupName="g")
        self.assertEqual(self.world(), [])

    def test_a_role_goes_when_nothing_hangs_on_it(self):
        self.role()
        arn = self.iam.create_policy(PolicyName="p", PolicyDocument=READ)["Policy"]["Arn"]
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=READ)
        self.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
        self.iam.create_instance_profile(InstanceProfileName="i")
        self.iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
        self.refused("LimitExceeded", self.iam.add_role_to_instance_profile, InstanceProfileName="i", RoleName="r")
        self.refused("DeleteConflict", self.iam.delete_instance_profile, status=409, InstanceProfileName="i")
        self.refused("DeleteConflict", self.iam.delete_policy, status=409, PolicyArn=arn)
        for call, more in (
            (self.iam.remove_role_from_instance_profile, {"InstanceProfileName": "i"}),
            (self.iam.detach_role_policy, {"PolicyArn": arn}),
            (self.iam.delete_role_policy, {"PolicyName": "p"}),
        ):
            self.refused("DeleteConflict", self.iam.delete_role, status=409, RoleName="r")
            call(RoleName="r", **more)
        self.iam.delete_role(RoleName="r")
        self.refused("NoSuchEntity", self.iam.delete_role, status=404, RoleName="r")

    def test_trust_policies(self):
        bad = "MalformedPolicyDocument"
        for document in (
            "{",
            "{}",
            trust({"AWS": self.arn("role/none")}),
            trust({"Service": "not a service"}),
            trust({"Service": "ec2.amazonaws.com"}, "s3:GetObject"),
            policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": "*"}),
            policy({"Effect": "Allow", "Action": "sts:AssumeRole"}),
        ):
            with self.subTest(document):
                self.refused(bad, self.role, status=400, document=document)
        message = self.refused(bad, self.role, document=trust({"AWS": self.arn("role/none")}))
        self.assertEqual(message, f'Invalid principal in policy: "AWS":"{self.arn("role/none")}"')
        statements = [{"Sid": str(n), "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"} for n in range(30)]
        self.refused("LimitExceeded", self.role, status=409, document=policy(*statements))

    def test_a_deleted_principal_becomes_its_id(self):
        self.iam.create_user(UserName="u")
        user_id = self.iam.get_user(UserName="u")["User"]["UserId"]
        self.role(document=trust({"AWS": [self.arn("user/u"), self.arn("root")]}))
        self.iam.delete_user(UserName="u")
        self.iam.create_user(UserName="u")
        shown = self.iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
        self.assertEqual(shown["Statement"][0]["Principal"]["AWS"], [user_id, self.arn("root")])

    def test_role_settings(self):
        role = self.role(Path="/a/b/", MaxSessionDuration=7200, Description="d")
        self.assertEqual(role["Arn"], self.arn("role/a/b/r"))
        self.assertTrue(role["RoleId"].startswith("AROA"))
        for seconds in (3599, 43_201):
            self.refused("ValidationError", self.iam.update_role, RoleName="r", MaxSessionDuration=seconds)
            self.refused("ValidationError", self.role, name="s", MaxSessionDuration=seconds)

    def test_boundaries(self):
        missing = self.arn("policy/none")
        self.refused("NoSuchEntity", self.role, status=404, PermissionsBoundary=missing)
        self.refused("NoSuchEntity", self.iam.create_user, status=404, UserName="u", PermissionsBoundary=missing)
        arn = self.iam.create_policy(PolicyName="b", PolicyDocument=READ)["Policy"]["Arn"]
        self.iam.create_user(UserName="u", PermissionsBoundary=arn)
        self.assertEqual(self.iam.get_user(UserName="u")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"], arn)
        self.refused("DeleteConflict", self.iam.delete_policy, status=409, PolicyArn=arn)
        self.iam.delete_user_permissions_boundary(UserName="u")
        self.assertNotIn("PermissionsBoundary", self.iam.get_user(UserName="u")["User"])
        self.iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=arn)
        self.assertIn("PermissionsBoundary", self.iam.get_user(UserName="u")["User"])

    def test_managed_policies(self):
        arn = self.iam.create_policy(PolicyName="p", Path="/x/", PolicyDocument=READ)["Policy"]["Arn"]
        self.assertEqual(arn, self.arn("policy/x/p"))
        self.refused("EntityAlreadyExists", self.iam.create_policy, status=409, PolicyName="p", PolicyDocument=READ)
        for _ in range(4):
            self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ, SetAsDefault=True)
        self.refused("LimitExceeded", self.iam.create_policy_version, status=409, PolicyArn=arn, PolicyDocument=READ)
        self.refused("DeleteConflict", self.iam.delete_policy_version, status=409, PolicyArn=arn, VersionId="v5")
        self.refused("DeleteConflict", self.iam.delete_policy, status=409, PolicyArn=arn)
        for version in ("v1", "v2", "v3", "v4"):
            self.iam.delete_policy_version(PolicyArn=arn, VersionId=version)
        self.iam.delete_policy(PolicyArn=arn)
        self.refused("NoSuchEntity", self.iam.delete_policy, status=404, PolicyArn=arn)

    def test_awss_own_policies(self):
        self.role()
        self.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        self.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy")
        self.refused("NoSuchEntity", self.iam.attach_role_policy, status=404, RoleName="r", PolicyArn="arn:aws:iam::aws:policy/NoSuch")
        self.refused("NoSuchEntity", self.iam.attach_role_policy, status=404, RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicy")
        self.assertEqual(self.world("iam:policy"), [])

    def test_sizes_and_quotas(self):
        self.iam.create_user(UserName="u")
        self.role()
        long = policy(allow(["s3:" + "x" * 100] * 20))
        self.refused("LimitExceeded", self.iam.put_user_policy, status=409, UserName="u", PolicyName="p", PolicyDocument=long)
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=long)
        longer = policy(allow(["s3:" + "x" * 100] * 60))
        self.refused("LimitExceeded", self.iam.create_policy, status=409, PolicyName="p", PolicyDocument=longer)
        for n in range(10):
            arn = self.iam.create_policy(PolicyName=f"p{n}", PolicyDocument=READ)["Policy"]["Arn"]
            self.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
        arn = self.iam.create_policy(PolicyName="p10", PolicyDocument=READ)["Policy"]["Arn"]
        self.refused("LimitExceeded", self.iam.attach_role_policy, status=409, RoleName="r", PolicyArn=arn)

    def test_malformed_identity_policies(self):
        self.role()
        for document in ("{", "{}", policy({"Effect": "Allow", "Action": "s3:*"}), policy({**allow("s3:*"), "Principal": "*"}), policy(allow("nonsense"))):
            with self.subTest(document):
                self.refused("MalformedPolicyDocument", self.iam.put_role_policy, status=400, RoleName="r", PolicyName="p", PolicyDocument=document)
                self.refused("MalformedPolicyDocument", self.iam.create_policy, status=400, PolicyName="p", PolicyDocument=document)

    def test_documents_come_back_url_encoded(self):
        document = policy(allow("s3:GetObject", "arn:aws:s3:::b/a b+c"))
        self.role()
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)
        raw = []
        self.iam.meta.events.register("after-call.iam.GetRolePolicy", lambda http_response, **_: raw.append(http_response.content))
        found = self.iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"]
        self.assertEqual(found, json.loads(document))
        self.assertIn(b"%7B%22Version%22", raw[0])

    def test_the_simulator(self):
        self.iam.create_user(UserName="u")
        self.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=READ)
        asked = {"PolicySourceArn": self.arn("user/u"), "ActionNames": ["s3:GetObject", "s3:PutObject"]}
        results = self.iam.simulate_principal_policy(**asked)["EvaluationResults"]
        self.assertEqual([each["EvalDecision"] for each in results], ["allowed", "implicitDeny"])
        boundary = self.iam.create_policy(PolicyName="b", PolicyDocument=policy(allow("s3:PutObject")))["Policy"]["Arn"]
        self.iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=boundary)
        results = self.iam.simulate_principal_policy(**asked)["EvaluationResults"]
        self.assertEqual([each["EvalDecision"] for each in results], ["implicitDeny", "implicitDeny"])


class Sts(SandboxTest):
    def setUp(self):
        super().setUp()
        self.iam, self.sts = self.aws("iam"), self.aws("sts")

    def role(self, document, **more):
        return self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]

    def test_assuming_a_role(self):
        arn = self.role(trust({"AWS": self.arn("root")}), Path="/p/")
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy(allow("kms:ListKeys")))
        made = self.sts.assume_role(RoleArn=arn, RoleSessionName="me")
        self.assertEqual(made["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{self.account}:assumed-role/r/me")
        given = made["Credentials"]
        self.assertGreater(given["Expiration"], datetime.now(timezone.utc))
        theirs = lambda service: client(service, given["AccessKeyId"], token=given["SessionToken"])  # noqa: E731
        self.assertEqual(theirs("sts").get_caller_identity()["Arn"], f"arn:aws:sts::{self.account}:assumed-role/r/me")
        theirs("kms").list_keys()
        self.refused("AccessDeniedException", theirs("kms").create_key)
        self.refused("InvalidClientTokenId", client("sts", given["AccessKeyId"], token="wrong").get_caller_identity, status=403)

    def test_trust_is_checked(self):
        arn = self.role(EC2)
        self.refused("AccessDenied", self.sts.assume_role, status=403, RoleArn=arn, RoleSessionName="me")
        self.refused("AccessDenied", self.sts.assume_role, status=403, RoleArn=self.arn("role/none"), RoleSessionName="me")
        self.refused("ValidationError", self.sts.assume_role, status=400, RoleArn=arn, RoleSessionName="not a name")

    def test_external_id_and_duration(self):
        arn = self.role(trust({"AWS": self.arn("root")}, Condition={"StringEquals": {"sts:ExternalId": "e"}}))
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=arn, RoleSessionName="me")
        self.sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="e")
        self.refused("ValidationError", self.sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="e", DurationSeconds=3601)
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="e", Tags=[{"Key": "a", "Value": "b"}])

    def test_another_account_needs_both_sides(self):
        arn = self.role(trust({"AWS": "arn:aws:iam::999999999999:root"}))
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=arn, RoleSessionName="me")
        other = client("sts", "AKIADEEPLOY999999999999")
        self.assertEqual(other.assume_role(RoleArn=arn, RoleSessionName="me")["AssumedRoleUser"]["Arn"].split(":")[4], self.account)

    def test_web_identity(self):
        issuer = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
        condition = {"StringEquals": {f"{issuer}:sub": "system:serviceaccount:n:s", f"{issuer}:aud": "sts.amazonaws.com"}}
        provider = f"arn:aws:iam::{self.account}:oidc-provider/{issuer}"
        arn = self.role(trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition))

        def token(subject, audience="sts.amazonaws.com"):
            claims = {"iss": f"https://{issuer}", "sub": subject, "aud": audience}
            return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"

        def assume(text):
            return self.sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="pod", WebIdentityToken=text)

        good = token("system:serviceaccount:n:s")
        self.refused("InvalidIdentityToken", lambda: assume(good))
        self.iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"])
        self.assertEqual(assume(good)["SubjectFromWebIdentityToken"], "system:serviceaccount:n:s")
        self.refused("AccessDenied", lambda: assume(token("system:serviceaccount:n:other")), status=403)
        self.refused("InvalidIdentityToken", lambda: assume(token("system:serviceaccount:n:s", "else")))
        self.refused("InvalidIdentityToken", lambda: assume("nonsense"))
