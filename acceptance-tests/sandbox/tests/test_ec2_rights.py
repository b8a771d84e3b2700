"""Tags, rights and visibility of EC2's objects: Service Authorization Reference and EC2's user guide."""

from .networks import NetworkTest, by, tagged
from .served import REGION, allow, policy


class Tags(NetworkTest):
    def test_on_every_kind_of_object(self):
        subnet, group, table, gateway = self.make_subnet(), self.make_group(), self.make_table(), self.make_gateway()
        nat, address = self.make_nat(subnet)
        rule = self.ec2.describe_security_group_rules(Filters=by(group_id=group))["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        endpoint = self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]["VpcEndpointId"]
        template = self.ec2.create_launch_template(LaunchTemplateName="one", LaunchTemplateData={"InstanceType": "t3.nano"})["LaunchTemplate"]["LaunchTemplateId"]
        log = self.ec2.create_flow_logs(ResourceIds=[self.vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName="x", DeliverLogsPermissionArn=self.arn("role/r"))["FlowLogIds"][0]
        ids = [self.vpc, subnet, group, table, gateway, nat, address, rule, endpoint, template, log]
        self.ec2.create_tags(Resources=ids, Tags=[{"Key": "a", "Value": "b"}])
        found = self.ec2.describe_tags(Filters=by(key="a"))["Tags"]
        self.assertEqual(sorted(each["ResourceId"] for each in found), sorted(ids))
        self.assertEqual({each["ResourceType"] for each in found} & {"natgateway", "elastic-ip", "vpc-flow-log"}, {"natgateway", "elastic-ip", "vpc-flow-log"})
        shown = {each["id"]: each["tags"] for each in self.world()}
        self.assertEqual([shown[id] for id in ids if id != rule], [{"a": "b"}] * (len(ids) - 1))
        self.ec2.delete_tags(Resources=ids, Tags=[{"Key": "a", "Value": "other"}])
        self.assertEqual(len(self.ec2.describe_tags(Filters=by(key="a"))["Tags"]), len(ids))
        self.ec2.delete_tags(Resources=ids, Tags=[{"Key": "a"}])
        self.assertEqual(self.ec2.describe_tags(Filters=by(key="a"))["Tags"], [])

    def test_refused(self):
        make = self.ec2.create_tags
        self.refused("InvalidParameterValue", make, Resources=[self.vpc], Tags=[{"Key": "aws:x", "Value": "1"}])
        self.refused("InvalidVpcID.NotFound", make, Resources=["vpc-0badbadbad"], Tags=[{"Key": "x", "Value": "1"}])
        self.refused("InvalidFlowLogId.NotFound", make, Resources=["fl-0123456789abcdef0"], Tags=[{"Key": "x", "Value": "1"}])
        self.refused("InvalidID", make, Resources=["nonsense"], Tags=[{"Key": "x", "Value": "1"}])
        self.refused("TagLimitExceeded", make, Resources=[self.vpc], Tags=[{"Key": str(n), "Value": ""} for n in range(51)])
        same = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
        self.refused("InvalidParameterValue", make, Resources=[self.vpc], Tags=same)


class Rights(NetworkTest):
    def user(self, *statements):
        iam = self.aws("iam")
        iam.create_user(UserName="u")
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(*statements))
        return self.aws("ec2", key=iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])

    def ec2_arn(self, rest):
        return f"arn:aws:ec2:{REGION}:{self.account}:{rest}"

    def test_each_resource_of_a_call_must_be_allowed(self):
        asked = {"VpcId": self.vpc, "CidrBlock": "10.0.1.0/24"}
        ec2 = self.user(allow("ec2:CreateSubnet", self.ec2_arn("subnet/*")))
        self.refused("UnauthorizedOperation", ec2.create_subnet, status=403, **asked)
        self.aws("iam").put_user_policy(UserName="u", PolicyName="q", PolicyDocument=policy(allow("ec2:CreateSubnet", self.ec2_arn(f"vpc/{self.vpc}"))))
        ec2.create_subnet(**asked)

    def test_tags_on_create_are_a_right_of_their_own(self):
        condition = {"StringEquals": {"aws:RequestTag/owner": "us"}}
        ec2 = self.user(allow("ec2:CreateVpc", self.ec2_arn("vpc/*"), Condition=condition))
        asked = {"CidrBlock": "10.1.0.0/16", "TagSpecifications": tagged("vpc", owner="us")}
        self.refused("UnauthorizedOperation", ec2.create_vpc, **asked)
        on_create = {"StringEquals": {"ec2:CreateAction": "CreateVpc"}}
        self.aws("iam").put_user_policy(UserName="u", PolicyName="q", PolicyDocument=policy(allow("ec2:CreateTags", self.ec2_arn("vpc/*"), Condition=on_create)))
        vpc = ec2.create_vpc(**asked)["Vpc"]["VpcId"]
        self.refused("UnauthorizedOperation", ec2.create_vpc, CidrBlock="10.2.0.0/16")
        self.refused("UnauthorizedOperation", ec2.create_tags, Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])
        made = next(call for call in self.calls() if call["operation"] == "CreateVpc" and call["status"] == 200 and call["actions"][1:])
        self.assertEqual(made["actions"], ["ec2:CreateVpc", "ec2:CreateTags"])

    def test_deletes_by_the_tag_of_what_is_there(self):
        mine = self.ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc", owner="us"))["Vpc"]["VpcId"]
        ec2 = self.user(allow("ec2:DeleteVpc", Condition={"StringEquals": {"aws:ResourceTag/owner": "us"}}))
        self.refused("UnauthorizedOperation", ec2.delete_vpc, VpcId=self.vpc)
        ec2.delete_vpc(VpcId=mine)

    def test_rules_ask_for_the_group_and_not_for_its_peer(self):
        one, two = self.make_group("one"), self.make_group("two")
        ec2 = self.user(allow("ec2:AuthorizeSecurityGroupIngress", self.ec2_arn(f"security-group/{one}")))
        rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": two}]}]
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=rule)
        self.refused("UnauthorizedOperation", ec2.authorize_security_group_ingress, GroupId=two, IpPermissions=rule)

    def test_reads_have_no_resource(self):
        ec2 = self.user(allow("ec2:DescribeVpcs"), allow("ec2:DescribeSubnets", self.ec2_arn("subnet/*")))
        ec2.describe_vpcs(VpcIds=[self.vpc])
        self.refused("UnauthorizedOperation", ec2.describe_subnets)


class Hidden(NetworkTest):
    def test_a_new_object_is_not_found_for_a_while(self):
        self.faults({"on": {"operation": "ec2:CreateSubnet"}, "hide_s": 30})
        hidden = self.make_subnet(1)
        self.assertEqual(self.fired(), [1])
        other = self.make_subnet(2)
        self.refused("InvalidSubnetID.NotFound", self.ec2.describe_subnets, SubnetIds=[hidden])
        found = self.ec2.describe_subnets(Filters=by(vpc_id=self.vpc))["Subnets"]
        self.assertEqual([each["SubnetId"] for each in found], [other])
        self.assertEqual(self.ec2.describe_network_interfaces(Filters=by(subnet_id=hidden))["NetworkInterfaces"], [])
        self.ec2.modify_subnet_attribute(SubnetId=hidden, MapPublicIpOnLaunch={"Value": True})

    def test_every_kind_that_a_network_has(self):
        self.faults({"on": {"operation": "ec2:*"}, "hide_s": 30, "times": None})
        gateway, group = self.make_gateway(), self.make_group()
        self.refused("InvalidInternetGatewayID.NotFound", self.ec2.describe_internet_gateways, InternetGatewayIds=[gateway])
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[group])
        nat, address = self.make_nat(self.make_subnet())
        self.refused("NatGatewayNotFound", self.ec2.describe_nat_gateways, NatGatewayIds=[nat])
        self.refused("InvalidAllocationID.NotFound", self.ec2.describe_addresses, AllocationIds=[address])


class Journal(NetworkTest):
    def test_a_call_is_recorded_with_its_object(self):
        subnet = self.make_subnet()
        self.make_table(subnet)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])
        named = {call["operation"]: call["resource"] for call in self.calls()}
        self.assertEqual((named["CreateVpc"], named["CreateSubnet"], named["AssociateRouteTable"]), (self.vpc, subnet, subnet))
        self.assertEqual(named["DeleteVpcEndpoints"], "vpce-0123456789abcdef0")
