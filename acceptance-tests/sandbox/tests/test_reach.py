"""Who reaches whom: Amazon VPC's user guide on security groups, network ACLs and routes."""

from .networks import NetworkTest
from .served import REGION, control


class Reach(NetworkTest):
    def setUp(self):
        super().setUp()
        self.private, self.public = self.make_subnet(1), self.make_subnet(2, zone="b")
        self.nodes, self.database = self.make_group("nodes"), self.make_group("database")

    def ask(self, start, end, port=5432, **more):
        body = {"account": self.account, "region": REGION, "from": start, "to": end, "port": port, **more}
        return control("reach", "POST", body)

    def allowed(self, start, end, port=5432, **more):
        return self.ask(start, end, port, **more)["allowed"]

    def admit(self, group, **peer):
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, **peer}])

    def test_by_group(self):
        nodes, database = {"security_groups": [self.nodes]}, {"security_groups": [self.database]}
        self.assertIn("no ingress rule", self.ask(nodes, database)["why"])
        self.admit(self.database, UserIdGroupPairs=[{"GroupId": self.nodes}])
        self.assertTrue(self.allowed(nodes, database))
        self.assertFalse(self.allowed(nodes, database, port=5433))
        self.assertFalse(self.allowed(nodes, database, protocol="udp"))
        self.assertFalse(self.allowed({"security_groups": [self.make_group("other")]}, database))
        self.assertFalse(self.allowed(database, nodes))

    def test_egress(self):
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.admit(self.database, UserIdGroupPairs=[{"GroupId": self.nodes}])
        self.ec2.revoke_security_group_egress(GroupId=self.nodes, IpPermissions=everything)
        found = self.ask({"security_groups": [self.nodes]}, {"security_groups": [self.database]})
        self.assertEqual(found["allowed"], False)
        self.assertIn("no egress rule", found["why"])

    def test_by_address(self):
        self.admit(self.database, IpRanges=[{"CidrIp": "10.0.1.0/24"}])
        database = {"security_groups": [self.database], "subnet_id": self.private}
        self.assertTrue(self.allowed({"subnet_id": self.private}, database))
        self.assertTrue(self.allowed({"address": "10.0.1.9"}, database))
        self.assertFalse(self.allowed({"subnet_id": self.public}, database))
        # Anywhere in the VPC is more than the rule admits.
        self.assertFalse(self.allowed({"security_groups": [self.nodes]}, database))

    def test_network_acl(self):
        self.admit(self.database, IpRanges=[{"CidrIp": "10.0.0.0/16"}])
        ends = {"subnet_id": self.public}, {"security_groups": [self.database], "subnet_id": self.private}
        self.assertTrue(self.allowed(*ends))
        acl = self.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [self.private]}])["NetworkAcls"][0]["NetworkAclId"]
        self.ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=50, Protocol="6", RuleAction="deny", Egress=False, CidrBlock="10.0.2.0/24", PortRange={"From": 5432, "To": 5432}
        )
        self.assertFalse(self.allowed(*ends))

    def test_ways_out(self):
        out = {"security_groups": [self.nodes], "subnet_id": self.private}, {"address": "198.51.100.7"}
        self.assertIn("no route", self.ask(*out, port=443)["why"])
        gateway = self.make_gateway()
        nat, _ = self.make_nat(self.public)
        private, public = self.make_table(self.private), self.make_table(self.public)
        self.ec2.create_route(RouteTableId=private, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        found = self.ask(*out, port=443)
        self.assertEqual((found["allowed"], "no way to the internet" in found["why"]), (False, True))
        self.ec2.create_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        found = self.ask(*out, port=443)
        self.assertEqual((found["allowed"], found["route"]["kind"], found["route"]["target"]), (True, "nat", nat))
        self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[private])
        self.assertEqual(self.ask(out[0], {"address": "52.216.1.1"}, port=443)["route"]["kind"], "vpce")
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.assertIn("blackhole", self.ask(*out, port=443)["why"])

    def test_from_outside(self):
        self.admit(self.database, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        outside = {"address": "198.51.100.7"}
        self.assertFalse(self.allowed(outside, {"security_groups": [self.database], "subnet_id": self.private}))
        table, gateway = self.make_table(self.public), self.make_gateway()
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        self.assertTrue(self.allowed(outside, {"security_groups": [self.database], "subnet_id": self.public}))

    def test_two_vpcs_with_the_same_addresses(self):
        other = self.make_vpc()
        far = self.make_group("far", other)
        self.admit(self.database, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        self.assertIn("different VPCs", self.ask({"security_groups": [far]}, {"security_groups": [self.database]})["why"])
        self.assertTrue(self.allowed({"security_groups": [self.nodes]}, {"address": "10.0.1.9"}))
