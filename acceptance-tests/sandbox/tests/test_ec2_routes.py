"""Route tables against Amazon VPC's user guide."""

from .networks import NetworkTest, by, tagged


class Routes(NetworkTest):
    def setUp(self):
        super().setUp()
        self.subnet, self.gateway = self.make_subnet(), self.make_gateway()
        self.table = self.make_table()

    def to(self, **target):
        return {"RouteTableId": self.table, "DestinationCidrBlock": "0.0.0.0/0", **target}

    def test_one_route_a_destination(self):
        nat, _ = self.make_nat(self.subnet)
        self.ec2.create_route(**self.to(NatGatewayId=nat))
        self.refused("RouteAlreadyExists", self.ec2.create_route, **self.to(GatewayId=self.gateway))
        self.ec2.replace_route(**self.to(GatewayId=self.gateway))
        route = self.routes(self.table)["0.0.0.0/0"]
        self.assertEqual((route["GatewayId"], route["State"], route.get("NatGatewayId")), (self.gateway, "active", None))
        self.ec2.delete_route(**self.to())
        self.refused("InvalidRoute.NotFound", self.ec2.delete_route, **self.to())
        self.refused("InvalidParameterValue", self.ec2.replace_route, **self.to(GatewayId=self.gateway))
        self.assertEqual(list(self.routes(self.table)), ["10.0.0.0/16"])
        self.refused("InvalidParameterValue", self.ec2.delete_route, RouteTableId=self.table, DestinationCidrBlock="10.0.0.0/16")

    def test_targets_must_be_there(self):
        make = self.ec2.create_route
        self.refused("InvalidNatGatewayID.NotFound", make, **self.to(NatGatewayId="nat-0123456789abcdef0"))
        self.refused("InvalidGatewayID.NotFound", make, **self.to(GatewayId="igw-0123456789abcdef0"))
        self.refused("MissingParameter", make, **self.to())
        loose = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.refused("InvalidParameterValue", make, **self.to(GatewayId=loose))
        nat, _ = self.make_nat(self.subnet)
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.refused("InvalidNatGatewayID.NotFound", make, **self.to(NatGatewayId=nat))

    def test_a_route_to_what_is_gone_is_a_blackhole(self):
        nat, _ = self.make_nat(self.subnet)
        self.ec2.create_route(**self.to(NatGatewayId=nat))
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.assertEqual(self.routes(self.table)["0.0.0.0/0"]["State"], "blackhole")
        self.ec2.replace_route(**self.to(GatewayId=self.gateway))
        self.ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.assertEqual(self.routes(self.table)["0.0.0.0/0"]["State"], "blackhole")

    def test_associations(self):
        main = self.ec2.describe_route_tables(Filters=by(vpc_id=self.vpc, association__main="true"))["RouteTables"][0]
        made = self.ec2.associate_route_table(RouteTableId=self.table, SubnetId=self.subnet)
        self.assertEqual(made["AssociationState"]["State"], "associated")
        again = self.ec2.associate_route_table
        self.refused("Resource.AlreadyAssociated", again, RouteTableId=main["RouteTableId"], SubnetId=self.subnet)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=self.table)
        other = self.make_table()
        replaced = self.ec2.replace_route_table_association(AssociationId=made["AssociationId"], RouteTableId=other)["NewAssociationId"]
        found = self.ec2.describe_route_tables(Filters=by(association__subnet_id=self.subnet))["RouteTables"]
        self.assertEqual([table["RouteTableId"] for table in found], [other])
        self.ec2.delete_route_table(RouteTableId=self.table)
        self.ec2.disassociate_route_table(AssociationId=replaced)
        self.refused("InvalidAssociationID.NotFound", self.ec2.disassociate_route_table, AssociationId=replaced)
        at_main = main["Associations"][0]["RouteTableAssociationId"]
        self.refused("InvalidParameterValue", self.ec2.disassociate_route_table, AssociationId=at_main)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=main["RouteTableId"])
        self.ec2.replace_route_table_association(AssociationId=at_main, RouteTableId=other)
        self.ec2.delete_route_table(RouteTableId=main["RouteTableId"])

    def test_tables_and_subnets_of_two_vpcs(self):
        subnet = self.make_subnet(vpc=self.make_vpc())
        self.refused("InvalidParameterValue", self.ec2.associate_route_table, RouteTableId=self.table, SubnetId=subnet)

    def test_a_repeated_token(self):
        asked = {"VpcId": self.vpc, "ClientToken": "t", "TagSpecifications": tagged("route-table", a="b")}
        first, second = (self.ec2.create_route_table(**asked)["RouteTable"]["RouteTableId"] for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(len(self.ec2.describe_route_tables(Filters=by(**{"tag:a": "b"}))["RouteTables"]), 1)
        self.refused("IdempotentParameterMismatch", self.ec2.create_route_table, VpcId=self.make_vpc(), ClientToken="t")
