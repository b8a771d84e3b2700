"""VPCs, subnets, zones, internet gateways and tables of routes against Amazon VPC's user guide."""

from .networks import NetworkTest, by, tagged
from .served import REGION, control


class Vpcs(NetworkTest):
    def test_a_vpc_is_pending_and_then_available(self):
        made = self.ec2.create_vpc(CidrBlock="10.1.2.3/16", TagSpecifications=tagged("vpc", a="b"))["Vpc"]
        self.assertEqual((made["State"], made["CidrBlock"], made["Tags"]), ("pending", "10.1.0.0/16", [{"Key": "a", "Value": "b"}]))
        self.assertEqual(self.ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"][0]["State"], "available")

    def test_refused_ids_and_ranges(self):
        self.refused("InvalidVpcID.NotFound", self.ec2.describe_vpcs, VpcIds=["vpc-00000000"])
        self.refused("InvalidVpcID.Malformed", self.ec2.describe_vpcs, VpcIds=["vpc-x"])
        self.refused("InvalidVpc.Range", self.ec2.create_vpc, CidrBlock="10.0.0.0/8")
        self.refused("InvalidParameterValue", self.ec2.create_vpc, CidrBlock="10.0.0.0")
        self.refused("InvalidParameterValue", self.ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=tagged("subnet", a="b"))

    def test_one_attribute_at_a_time(self):
        on = {"Value": True}
        self.refused("InvalidParameterCombination", self.ec2.modify_vpc_attribute, VpcId=self.vpc, EnableDnsHostnames=on, EnableDnsSupport=on)
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames=on)
        shown = self.ec2.describe_vpc_attribute(VpcId=self.vpc, Attribute="enableDnsHostnames")
        self.assertTrue(shown["EnableDnsHostnames"]["Value"])

    def test_five_vpcs_of_which_one_is_the_default_one(self):
        for n in range(3):
            self.make_vpc(f"10.{n + 1}.0.0/16")
        self.refused("VpcLimitExceeded", self.ec2.create_vpc, CidrBlock="10.9.0.0/16")
        shown = control(f"settings?account={self.account}", "POST", {"quotas": {"vpcs": 6, "L-0263D0A3": 10}})
        self.assertEqual((shown["quotas"]["vpcs"], shown["quotas"]["elastic-ips"], shown["quotas"]["internet-gateways"]), (6, 10, 5))
        self.make_vpc("10.9.0.0/16")

    def test_a_vpc_goes_when_it_is_empty(self):
        subnet, gateway, group, table = self.make_subnet(), self.make_gateway(), self.make_group(), self.make_table()
        endpoint = self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]["VpcEndpointId"]
        for remove in (
            lambda: self.ec2.delete_subnet(SubnetId=subnet),
            lambda: self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc),
            lambda: self.ec2.delete_security_group(GroupId=group),
            lambda: self.ec2.delete_route_table(RouteTableId=table),
            lambda: self.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint]),
        ):
            self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc)
            remove()
        self.ec2.delete_vpc(VpcId=self.vpc)
        self.refused("InvalidVpcID.NotFound", self.ec2.delete_vpc, VpcId=self.vpc)
        self.ec2.delete_internet_gateway(InternetGatewayId=gateway)
        self.assertEqual(self.world(), [])

    def test_dry_run_does_nothing(self):
        self.refused("DryRunOperation", self.ec2.create_vpc, status=412, CidrBlock="10.3.0.0/16", DryRun=True)
        self.refused("DryRunOperation", self.ec2.delete_vpc, VpcId=self.vpc, DryRun=True)
        self.refused("NotImplementedBySandbox", self.ec2.create_ipam, DryRun=True)
        self.assertEqual(len(self.world("ec2:vpc")), 1)


class Subnets(NetworkTest):
    def test_a_subnet(self):
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.7.0/24", AvailabilityZone=REGION + "b", TagSpecifications=tagged("subnet", a="b"))["Subnet"]
        self.assertEqual((made["State"], made["MapPublicIpOnLaunch"], made["DefaultForAz"]), ("pending", False, False))
        shown = self.ec2.describe_subnets(Filters=by(availability_zone=REGION + "b", vpc_id=self.vpc))["Subnets"]
        self.assertEqual([(each["SubnetId"], each["State"], each["AvailableIpAddressCount"]) for each in shown], [(made["SubnetId"], "available", 251)])
        zones = self.ec2.describe_availability_zones(ZoneNames=[REGION + "b"])["AvailabilityZones"]
        self.assertEqual([zone["ZoneId"] for zone in zones], [made["AvailabilityZoneId"]])
        self.assertEqual((zones[0]["OptInStatus"], zones[0]["ZoneType"]), ("opt-in-not-required", "availability-zone"))

    def test_refused(self):
        self.make_subnet(1)
        make = self.ec2.create_subnet
        self.refused("InvalidSubnet.Conflict", make, VpcId=self.vpc, CidrBlock="10.0.1.128/25")
        self.refused("InvalidSubnet.Range", make, VpcId=self.vpc, CidrBlock="10.9.1.0/24")
        self.refused("InvalidSubnet.Range", make, VpcId=self.vpc, CidrBlock="10.0.2.0/29")
        self.refused("InvalidParameterValue", make, VpcId=self.vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1a")
        self.refused("InvalidSubnetID.Malformed", self.ec2.describe_subnets, SubnetIds=["subnet-zz"])

    def test_one_attribute_at_a_time(self):
        subnet, on = self.make_subnet(), {"Value": True}
        self.refused("InvalidParameterCombination", self.ec2.modify_subnet_attribute, SubnetId=subnet, MapPublicIpOnLaunch=on, EnableDns64=on)
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch=on)
        self.assertTrue(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"])

    def test_interfaces_keep_a_subnet(self):
        subnet = self.make_subnet()
        interface = self.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        self.assertEqual(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"], 250)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=subnet)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        self.make_table(subnet)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.assertEqual(self.world("ec2:route_table_association"), [])

    def test_a_terminated_instance_takes_its_interface_along(self):
        subnet = self.make_subnet()
        instance = self.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=subnet)
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.ec2.delete_subnet(SubnetId=subnet)


class Pages(NetworkTest):
    def test_pages_and_wildcards(self):
        made = sorted(self.make_subnet(n) for n in range(7))
        first = self.ec2.describe_subnets(Filters=by(vpc_id=self.vpc), MaxResults=5)
        rest = self.ec2.describe_subnets(Filters=by(vpc_id=self.vpc), MaxResults=5, NextToken=first["NextToken"])
        self.assertNotIn("NextToken", rest)
        self.assertEqual(sorted(each["SubnetId"] for each in first["Subnets"] + rest["Subnets"]), made)
        self.refused("InvalidParameterValue", self.ec2.describe_subnets, MaxResults=2)
        found = self.ec2.describe_subnets(Filters=by(cidr_block=["10.0.?.0/*"], vpc_id=[self.vpc, "vpc-1"]))["Subnets"]
        self.assertEqual(len(found), 7)
        self.assertEqual(self.ec2.describe_subnets(Filters=by(cidr_block="10.0.0.0", vpc_id=self.vpc))["Subnets"], [])


class InternetGateways(NetworkTest):
    def test_one_vpc_one_gateway(self):
        gateway = self.make_gateway()
        attach = self.ec2.attach_internet_gateway
        self.refused("Resource.AlreadyAssociated", attach, InternetGatewayId=gateway, VpcId=self.vpc)
        other = self.ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", a="b"))["InternetGateway"]["InternetGatewayId"]
        self.refused("InvalidParameterValue", attach, InternetGatewayId=other, VpcId=self.vpc)
        self.refused("Gateway.NotAttached", self.ec2.detach_internet_gateway, InternetGatewayId=other, VpcId=self.vpc)
        self.refused("DependencyViolation", self.ec2.delete_internet_gateway, InternetGatewayId=gateway)
        found = self.ec2.describe_internet_gateways(Filters=by(attachment__vpc_id=self.vpc))["InternetGateways"]
        self.assertEqual([each["InternetGatewayId"] for each in found], [gateway])
        self.assertEqual(len(self.ec2.describe_internet_gateways(Filters=by(**{"tag:a": "b"}))["InternetGateways"]), 1)

    def test_five_gateways(self):
        for _ in range(5):
            self.ec2.create_internet_gateway()
        self.refused("InternetGatewayLimitExceeded", self.ec2.create_internet_gateway)
