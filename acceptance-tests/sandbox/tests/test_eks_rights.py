"""Rights at EKS and Auto Scaling: Service Authorization Reference, EKS user guide "Using service-linked roles"."""

from .eks_environment import EksTest
from .served import allow, client, policy


class Rights(EksTest):
    def setUp(self):
        super().setUp()
        self.iam.create_user(UserName="u")
        self.user_key = self.iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        self.user = client("eks", self.user_key)

    def may(self, *statements):
        self.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(*statements))

    def arn_of(self, rest):
        return f"arn:aws:eks:eu-central-1:{self.account}:{rest}"

    def test_creates_are_judged_by_the_cluster_and_tags_by_what_is_made(self):
        arn = self.cluster()["arn"]
        denied, request = "AccessDeniedException", {"clusterName": "c", "addonName": "coredns", "tags": {"a": "1"}}
        self.error(denied, self.user.describe_cluster, name="c")
        self.may(allow(["eks:DescribeCluster", "eks:CreateAddon"], arn))
        self.assertEqual(self.user.describe_cluster(name="c")["cluster"]["name"], "c")
        self.error(denied, self.user.create_addon, "eks:TagResource on resource: " + self.arn_of("addon/c/coredns/*"), **request)
        self.may(allow("eks:CreateAddon", arn), allow("eks:TagResource", self.arn_of("addon/c/coredns/*")))
        self.user.create_addon(**request)
        self.error(denied, self.user.describe_addon, self.arn_of("addon/c/coredns/"), clusterName="c", addonName="coredns")
        self.may(allow("eks:DescribeAddon", self.arn_of("addon/c/*")))
        self.user.describe_addon(clusterName="c", addonName="coredns")

    def test_actions_as_recorded(self):
        role = self.role("r", "ec2.amazonaws.com")
        self.cluster(tags={"a": "1"})
        self.eks.create_access_entry(clusterName="c", principalArn=role)
        actions = {each["operation"]: each["actions"] for each in self.calls() if each["service"] == "eks"}
        making = ["eks:CreateCluster", "eks:TagResource", "iam:PassRole", "iam:CreateServiceLinkedRole"]
        self.assertEqual((actions["CreateCluster"], actions["CreateAccessEntry"]), (making, ["eks:CreateAccessEntry"]))

    def test_conditions(self):
        role, other = self.role("r", "ec2.amazonaws.com"), self.role("o", "ec2.amazonaws.com")
        self.cluster(tags={"env": "test"})
        self.may(
            allow("eks:CreateAccessEntry", Condition={"StringEquals": {"eks:principalArn": role}}),
            allow("eks:DescribeCluster", Condition={"StringEquals": {"aws:ResourceTag/env": "test"}}),
            allow(["eks:CreateAddon", "eks:TagResource"], Condition={"StringEquals": {"aws:RequestTag/a": "1"}}),
        )
        self.user.describe_cluster(name="c")
        self.user.create_access_entry(clusterName="c", principalArn=role)
        self.error("AccessDeniedException", self.user.create_access_entry, clusterName="c", principalArn=other)
        self.error("AccessDeniedException", self.user.create_addon, clusterName="c", addonName="coredns", tags={"a": "2"})
        self.user.create_addon(clusterName="c", addonName="coredns", tags={"a": "1"})
        self.eks.untag_resource(resourceArn=self.arn_of("cluster/c"), tagKeys=["env"])
        self.error("AccessDeniedException", self.user.describe_cluster, name="c")

    def test_parts_by_their_arns(self):
        role = self.role("r", "ec2.amazonaws.com")
        self.cluster()
        self.nodegroup()
        self.eks.create_access_entry(clusterName="c", principalArn=role)
        for kind, name, call, request in (
            ("nodegroup", "n", self.user.describe_nodegroup, {"nodegroupName": "n"}),
            ("access-entry", f"role/{self.account}/r", self.user.describe_access_entry, {"principalArn": role}),
        ):
            with self.subTest(kind):
                self.may(allow("eks:Describe*", self.arn_of(f"{kind}/c/{name}/*")))
                call(clusterName="c", **request)
                self.may(allow("eks:Describe*", self.arn_of(f"{kind}/d/*")))
                self.error("AccessDeniedException", call, clusterName="c", **request)

    def test_auto_scaling_groups_by_tag(self):
        self.cluster()
        name = self.nodegroup()["resources"]["autoScalingGroups"][0]["name"]
        scaling = client("autoscaling", self.user_key)
        self.may(allow("autoscaling:SetDesiredCapacity", Condition={"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/c": "owned"}}))
        scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
        self.may(allow("autoscaling:SetDesiredCapacity", Condition={"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/d": "owned"}}))
        self.refused("AccessDenied", scaling.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=2)

    def test_service_linked_roles(self):
        request = self.cluster_request()
        self.may(allow(["eks:*", "iam:PassRole"]))
        self.error("InvalidRequestException", self.user.create_cluster, "iam:CreateServiceLinkedRole", **request)
        self.assertEqual([each for each in self.world("ec2:security_group") if each["name"] != "default"], [])
        self.may(allow(["eks:*", "iam:PassRole", "iam:CreateServiceLinkedRole"]))
        self.user.create_cluster(**request)
        self.error("InvalidRequestException", self.user.create_nodegroup, "Failed to validate if SLR", **self.nodegroup_request())
        self.may(allow(["eks:*", "iam:PassRole", "iam:CreateServiceLinkedRole", "iam:GetRole"]))
        self.user.create_nodegroup(**self.nodegroup_request())
        made = {each["id"] for each in self.world("iam:role") if each["managed"]}
        self.assertEqual(made, {"AWSServiceRoleForAmazonEKS", "AWSServiceRoleForAmazonEKSNodegroup", "AWSServiceRoleForAutoScaling"})
        self.may(allow(["eks:*", "iam:PassRole"]))
        self.user.create_cluster(**{**request, "name": "d"})
