"""Load balancers against Elastic Load Balancing's API references."""

import time

from .served import SandboxTest, control

OWNED = [{"Key": "kubernetes.io/cluster/c", "Value": "owned"}]


class LoadBalancers(SandboxTest):
    def setUp(self):
        super().setUp()
        self.ec2, self.elb = self.aws("ec2"), self.aws("elbv2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        self.group = self.ec2.create_security_group(VpcId=self.vpc, GroupName="k8s-traffic-c", Description="k8s")["GroupId"]

    def make(self, name="lb", **more):
        asked = {"Name": name, "Type": "network", "Scheme": "internal", "Subnets": self.subnets, "SecurityGroups": [self.group], "Tags": OWNED, **more}
        return self.elb.create_load_balancer(**asked)["LoadBalancers"][0]

    def interfaces(self):
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        return found["NetworkInterfaces"]

    def test_what_a_controller_leaves_behind(self):
        made = self.make()
        arn = made["LoadBalancerArn"]
        self.assertRegex(arn, r":loadbalancer/net/lb/[0-9a-f]{16}$")
        self.assertEqual((made["State"]["Code"], made["VpcId"], made["SecurityGroups"]), ("provisioning", self.vpc, [self.group]))
        self.assertEqual(self.elb.describe_load_balancers(Names=["lb"])["LoadBalancers"][0]["State"]["Code"], "active")
        held = self.interfaces()
        self.assertEqual({each["SubnetId"] for each in held}, set(self.subnets))
        self.assertEqual({each["Description"] for each in held}, {"ELB " + arn.partition(":loadbalancer/")[2]})
        self.assertEqual({(each["RequesterId"], each["RequesterManaged"], each["Groups"][0]["GroupId"]) for each in held}, {("amazon-elb", True, self.group)})
        group = self.elb.create_target_group(Name="tg", Protocol="TCP", Port=80, VpcId=self.vpc, Tags=OWNED)["TargetGroups"][0]["TargetGroupArn"]
        self.elb.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        described = self.elb.describe_tags(ResourceArns=[arn, group])["TagDescriptions"]
        self.assertEqual([each["Tags"] for each in described], [OWNED, OWNED])
        self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=group)
        self.assertEqual([each["tags"] for each in self.world("elbv2:load_balancer")], [{"kubernetes.io/cluster/c": "owned"}])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.group)
        for _ in range(2):
            self.elb.delete_load_balancer(LoadBalancerArn=arn)
            self.elb.delete_target_group(TargetGroupArn=group)
        self.assertEqual((self.interfaces(), self.world("elbv2:load_balancer"), self.world("elbv2:target_group")), ([], [], []))
        self.ec2.delete_security_group(GroupId=self.group)

    def test_interfaces_leave_later(self):
        control(f"settings?account={self.account}", "POST", {"seconds_per_minute": 0.2})
        arn = self.make()["LoadBalancerArn"]
        self.assertEqual(self.elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"], "provisioning")
        time.sleep(0.45)
        self.assertEqual(self.elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"], "active")
        self.elb.delete_load_balancer(LoadBalancerArn=arn)
        self.refused("LoadBalancerNotFound", self.elb.describe_load_balancers, LoadBalancerArns=[arn])
        self.assertEqual(len(self.interfaces()), 2)
        time.sleep(0.25)
        self.assertEqual(self.world("ec2:network_interface"), [])
        self.assertEqual(self.interfaces(), [])

    def test_a_create_is_idempotent(self):
        arn = self.make()["LoadBalancerArn"]
        self.assertEqual(self.make()["LoadBalancerArn"], arn)
        self.refused("DuplicateLoadBalancerName", self.make, SecurityGroups=[])
        self.assertEqual(len(self.world("elbv2:load_balancer")), 1)

    def test_what_is_refused(self):
        for code, wrong in (
            ("ValidationError", {"name": "a_b"}),
            ("ValidationError", {"name": "x" * 33}),
            ("ValidationError", {"Subnets": []}),
            ("SubnetNotFound", {"Subnets": ["subnet-00000000000000000"]}),
            ("InvalidConfigurationRequest", {"Subnets": [self.subnets[0]] * 2}),
            ("InvalidSecurityGroup", {"SecurityGroups": ["sg-00000000000000000"]}),
            ("InvalidSubnet", {"Scheme": "internet-facing"}),
            ("ValidationError", {"Type": "application", "Subnets": self.subnets[:1]}),
            ("DuplicateTagKeys", {"Tags": OWNED * 2}),
            ("ValidationError", {"Type": "other"}),
        ):
            with self.subTest(str(wrong)):
                self.refused(code, self.make, 400, **wrong)
        self.assertEqual((self.world("elbv2:load_balancer"), self.interfaces()), ([], []))

    def test_protection(self):
        arn = self.make()["LoadBalancerArn"]
        protect = lambda value: self.elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": value}])  # noqa: E731
        protect("true")
        self.refused("OperationNotPermitted", self.elb.delete_load_balancer, LoadBalancerArn=arn)
        protect("false")
        self.elb.delete_load_balancer(LoadBalancerArn=arn)

    def test_tags_and_groups(self):
        arn = self.make()["LoadBalancerArn"]
        self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": str(n), "Value": ""} for n in range(49)])
        self.refused("TooManyTags", self.elb.add_tags, ResourceArns=[arn], Tags=[{"Key": "more", "Value": ""}])
        self.elb.remove_tags(ResourceArns=[arn], TagKeys=[str(n) for n in range(49)])
        self.assertEqual(self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"], OWNED)
        self.refused("LoadBalancerNotFound", self.elb.describe_tags, ResourceArns=[arn + "0"])
        other = self.ec2.create_security_group(VpcId=self.vpc, GroupName="other", Description="o")["GroupId"]
        self.elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[other])
        self.assertEqual({each["Groups"][0]["GroupId"] for each in self.interfaces()}, {other})

    def test_pages(self):
        for n in range(3):
            self.make(f"lb{n}")
        first = self.elb.describe_load_balancers(PageSize=2)
        second = self.elb.describe_load_balancers(PageSize=2, Marker=first["NextMarker"])
        self.assertEqual([each["LoadBalancerName"] for each in second["LoadBalancers"]], ["lb2"])
        self.assertNotIn("NextMarker", second)

    def test_classic(self):
        classic = self.aws("elb")
        listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 30000, "InstanceProtocol": "TCP"}
        asked = {"LoadBalancerName": "a1b2", "Listeners": [listener], "Subnets": self.subnets, "SecurityGroups": [self.group], "Tags": OWNED}
        self.assertIn("a1b2-", classic.create_load_balancer(**asked)["DNSName"])
        self.assertEqual([call["service"] for call in self.calls()][-1], "elb")
        self.assertEqual(classic.describe_load_balancers()["LoadBalancerDescriptions"][0]["VPCId"], self.vpc)
        self.assertEqual(classic.describe_tags(LoadBalancerNames=["a1b2"])["TagDescriptions"][0]["Tags"], OWNED)
        self.assertEqual({each["Description"] for each in self.interfaces()}, {"ELB a1b2"})
        self.assertEqual([each["tags"] for each in self.world("elb:load_balancer")], [{"kubernetes.io/cluster/c": "owned"}])
        self.assertEqual(self.elb.describe_load_balancers()["LoadBalancers"], [])
        self.refused("LoadBalancerNotFound", classic.describe_load_balancers, LoadBalancerNames=["none"])
        self.refused("SubnetNotFound", classic.create_load_balancer, **{**asked, "LoadBalancerName": "x", "Subnets": ["subnet-0"]})
        for _ in range(2):
            classic.delete_load_balancer(LoadBalancerName="a1b2")
        self.assertEqual((self.interfaces(), self.world("elb:load_balancer")), ([], []))
