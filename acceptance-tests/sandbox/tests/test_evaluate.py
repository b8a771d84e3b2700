"""The evaluator against the cases of the IAM user guide and the KMS developer guide."""

import unittest

from deeploy_sandbox.conditions import arn_like, folded, hold

from .served import REGION, SandboxTest, allow, client, control, policy, trust


class Conditions(unittest.TestCase):
    def test_operators(self):
        context = folded(
            {
                "aws:PrincipalArn": "arn:aws:iam::111122223333:role/p/r",
                "aws:SecureTransport": False,
                "s3:max-keys": 10,
                "aws:TagKeys": ["a", "b"],
                "aws:SourceIp": "10.1.2.3",
                "aws:username": "mia",
            }
        )
        for conditions, holds in (
            ({}, True),
            ({"StringEquals": {"AWS:USERNAME": ["tom", "mia"]}}, True),
            ({"StringEquals": {"aws:username": "Mia"}}, False),
            ({"StringEqualsIgnoreCase": {"aws:username": "Mia"}}, True),
            ({"StringNotEquals": {"aws:username": ["tom", "mia"]}}, False),
            ({"StringNotEquals": {"aws:absent": "x"}}, True),
            ({"StringEquals": {"aws:absent": "x"}}, False),
            ({"StringEqualsIfExists": {"aws:absent": "x"}}, True),
            ({"StringEqualsIfExists": {"aws:username": "x"}}, False),
            ({"StringLike": {"aws:username": "m?a"}}, True),
            ({"StringLike": {"aws:PrincipalArn": "arn:*:role/*"}}, True),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
            ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/p/r"}}, True),
            ({"ArnLike": {"aws:PrincipalArn": "arn:*:role/*"}}, False),
            ({"Bool": {"aws:SecureTransport": "false"}}, True),
            ({"Bool": {"aws:SecureTransport": "true"}}, False),
            ({"NumericLessThan": {"s3:max-keys": "11"}}, True),
            ({"NumericLessThan": {"s3:max-keys": "10"}}, False),
            ({"NumericLessThanEquals": {"s3:max-keys": 10}}, True),
            ({"Null": {"aws:absent": "true"}}, True),
            ({"Null": {"aws:username": "true"}}, False),
            ({"Null": {"aws:username": "false"}}, True),
            ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["b", "c"]}}, True),
            ({"ForAnyValue:StringEquals": {"aws:absent": ["b"]}}, False),
            ({"ForAllValues:StringEquals": {"aws:TagKeys": ["b", "c"]}}, False),
            ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}, True),
            ({"ForAllValues:StringEquals": {"aws:absent": ["b"]}}, True),
            ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
            ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
            ({"StringEquals": {"aws:username": "${aws:username}"}}, True),
            ({"StringEquals": {"aws:username": "mia"}, "Bool": {"aws:SecureTransport": "true"}}, False),
        ):
            with self.subTest(conditions):
                self.assertEqual(hold(conditions, context), holds)

    def test_a_star_in_an_arn_stays_in_its_part(self):
        self.assertTrue(arn_like("arn:aws:s3:::b/a:b", "arn:aws:s3:::b/*"))
        self.assertFalse(arn_like("arn:aws:iam::1:role/r", "arn:*:r"))


class Evaluate(SandboxTest):
    def setUp(self):
        super().setUp()
        self.iam = self.aws("iam")
        self.iam.create_user(UserName="u")
        self.user = self.arn("user/u")

    def ask(self, action, resource="*", principal=None, **context):
        body = {"account": self.account, "principal_arn": principal or self.user, "action": action, "resource_arn": resource, "context": context}
        return control("evaluate", "POST", body)["decision"]

    def grant(self, *statements, name="p"):
        self.iam.put_user_policy(UserName="u", PolicyName=name, PolicyDocument=policy(*statements))

    def test_nothing_allows_nothing(self):
        self.assertEqual(self.ask("s3:GetObject"), "implicitDeny")

    def test_an_explicit_deny_wins(self):
        self.grant(allow("s3:*"), {**allow("s3:Delete*"), "Effect": "Deny"})
        self.assertEqual(self.ask("s3:GetObject"), "allowed")
        self.assertEqual(self.ask("s3:DeleteBucket"), "explicitDeny")

    def test_actions_ignore_case_and_not_action(self):
        self.grant({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
        self.assertEqual(self.ask("S3:getobject"), "allowed")
        self.assertEqual(self.ask("iam:GetUser"), "implicitDeny")

    def test_groups_and_attached_policies_count(self):
        self.iam.create_group(GroupName="g")
        self.iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=policy(allow("sqs:*")))
        self.assertEqual(self.ask("sqs:SendMessage"), "implicitDeny")
        self.iam.add_user_to_group(GroupName="g", UserName="u")
        self.assertEqual(self.ask("sqs:SendMessage"), "allowed")
        self.iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        self.assertEqual(self.ask("ec2:RunInstances"), "allowed")

    def test_a_boundary_limits(self):
        self.grant(allow("s3:*"))
        boundary = self.iam.create_policy(PolicyName="b", PolicyDocument=policy(allow("s3:Get*")))["Policy"]["Arn"]
        self.iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=boundary)
        self.assertEqual(self.ask("s3:GetObject"), "allowed")
        self.assertEqual(self.ask("s3:PutObject"), "implicitDeny")

    def test_policy_variables(self):
        self.grant(allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"))
        self.assertEqual(self.ask("s3:GetObject", "arn:aws:s3:::b/u/x"), "allowed")
        self.assertEqual(self.ask("s3:GetObject", "arn:aws:s3:::b/v/x"), "implicitDeny")

    def bucket(self, *statements):
        name = f"eval-{self.account}"
        s3 = self.aws("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        arn = f"arn:aws:s3:::{name}"
        s3.put_bucket_policy(Bucket=name, Policy=policy(*({"Resource": [arn, arn + "/*"], **each} for each in statements)))
        return arn + "/k"

    def test_a_bucket_policy_alone_is_enough_within_the_account(self):
        key = self.bucket({"Effect": "Allow", "Principal": {"AWS": self.user}, "Action": "s3:GetObject"})
        self.assertEqual(self.ask("s3:GetObject", key), "allowed")
        self.assertEqual(self.ask("s3:PutObject", key), "implicitDeny")

    def test_naming_the_account_delegates_only(self):
        key = self.bucket({"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "s3:GetObject"})
        self.assertEqual(self.ask("s3:GetObject", key), "implicitDeny")
        self.grant(allow("s3:GetObject"))
        self.assertEqual(self.ask("s3:GetObject", key), "allowed")

    def test_a_bucket_policy_denies_even_the_root(self):
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        key = self.bucket(deny)
        self.assertEqual(self.ask("s3:GetObject", key, self.arn("root")), "allowed")
        self.assertEqual(self.ask("s3:GetObject", key, self.arn("root"), **{"aws:SecureTransport": "false"}), "explicitDeny")

    def test_across_accounts_both_must_allow(self):
        other = "888888888888"
        key = self.bucket({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{other}:root"}, "Action": "s3:GetObject"})
        iam = client("iam", "AKIADEEPLOY" + other)
        self.addCleanup(control, f"reset?account={other}", "POST")
        iam.create_user(UserName="x")
        theirs = f"arn:aws:iam::{other}:user/x"
        self.assertEqual(self.ask("s3:GetObject", key, theirs), "implicitDeny")
        iam.put_user_policy(UserName="x", PolicyName="p", PolicyDocument=policy(allow("s3:GetObject")))
        self.assertEqual(self.ask("s3:GetObject", key, theirs), "allowed")
        self.grant(allow("s3:*"))
        self.assertEqual(self.ask("s3:PutObject", key, theirs), "implicitDeny")

    def test_a_key_policy_must_admit(self):
        kms = self.aws("kms")
        self.grant(allow("kms:*"))
        default = kms.create_key()["KeyMetadata"]["Arn"]
        self.assertEqual(self.ask("kms:Decrypt", default), "allowed")
        self.iam.create_user(UserName="v")
        admin = {"Effect": "Allow", "Principal": {"AWS": self.arn("user/v")}, "Action": "kms:*", "Resource": "*"}
        closed = kms.create_key(Policy=policy(admin), BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
        self.assertEqual(self.ask("kms:Decrypt", closed), "implicitDeny")
        self.assertEqual(self.ask("kms:Decrypt", closed, self.arn("user/v")), "allowed")
        self.assertEqual(self.ask("kms:Decrypt", closed, self.arn("root")), "implicitDeny")

    def test_a_service_needs_the_key_policy_too(self):
        kms = self.aws("kms")
        root = {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "kms:*", "Resource": "*"}
        logs = {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{self.account}:log-group:/deeploy/*"}},
        }
        without = kms.create_key(Policy=policy(root))["KeyMetadata"]["Arn"]
        admits = kms.create_key(Policy=policy(root, logs))["KeyMetadata"]["Arn"]
        service = f"logs.{REGION}.amazonaws.com"
        context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{self.account}:log-group:/deeploy/x"}
        self.assertEqual(self.ask("kms:Decrypt", without, service, **context), "implicitDeny")
        self.assertEqual(self.ask("kms:Decrypt", admits, service, **context), "allowed")
        self.assertEqual(self.ask("kms:Decrypt", admits, service), "implicitDeny")

    def test_a_grant_admits(self):
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        self.assertEqual(self.ask("kms:Decrypt", key), "implicitDeny")
        kms.create_grant(KeyId=key, GranteePrincipal=self.user, Operations=["Decrypt"])
        self.assertEqual(self.ask("kms:Decrypt", key), "allowed")
        self.assertEqual(self.ask("kms:Encrypt", key), "implicitDeny")

    def test_conditions_on_via_service(self):
        key = self.aws("kms").create_key()["KeyMetadata"]["Arn"]
        self.grant(allow("kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}))
        self.assertEqual(self.ask("kms:Decrypt", key), "implicitDeny")
        self.assertEqual(self.ask("kms:Decrypt", key, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"}), "allowed")

    def test_the_trust_of_pods(self):
        issuer = f"oidc.eks.{REGION}.amazonaws.com/id/A"
        provider = f"arn:aws:iam::{self.account}:oidc-provider/{issuer}"
        pods = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        web = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer}:sub": "system:serviceaccount:n:s"}},
        }
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(pods, web))["Role"]["Arn"]

        def ask(**body):
            return control("evaluate", "POST", {"account": self.account, "trust_of": role, **body})["decision"]

        self.assertEqual(ask(service="pods.eks.amazonaws.com", action="sts:AssumeRole"), "allowed")
        self.assertEqual(ask(service="ec2.amazonaws.com", action="sts:AssumeRole"), "implicitDeny")
        self.assertEqual(ask(service="pods.eks.amazonaws.com", action="sts:TagSession"), "allowed")
        web_ask = {"federated": provider, "action": "sts:AssumeRoleWithWebIdentity"}
        self.assertEqual(ask(**web_ask, context={f"{issuer}:sub": "system:serviceaccount:n:s"}), "allowed")
        self.assertEqual(ask(**web_ask, context={f"{issuer}:sub": "system:serviceaccount:n:t"}), "implicitDeny")
        self.assertEqual(ask(**web_ask), "implicitDeny")
        self.assertEqual(ask(principal=self.user, action="sts:AssumeRole"), "implicitDeny")

    def test_a_role_that_trusts_a_user_by_name_needs_no_more(self):
        arn = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": self.user}))["Role"]["Arn"]
        self.assertEqual(self.ask("sts:AssumeRole", arn), "allowed")
        self.iam.create_user(UserName="v")
        self.assertEqual(self.ask("sts:AssumeRole", arn, self.arn("user/v")), "implicitDeny")
