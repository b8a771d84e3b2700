//! A network's life: made, unchanged, changed in place, gone without a trace; or one that exists already, left as it was found.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage};

pub(super) const NETWORK: &str = "deeploy_network.this";

/// A network with these attributes beside its name.
pub(super) fn network(attributes: &str) -> String {
    format!("resource \"deeploy_network\" \"this\" {{\n  name = \"deeploy-prod\"\n{attributes}\n}}\n")
}

/// A call of EC2; its reply, XML.
pub(super) fn ec2(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
    world.query("ec2", "2016-11-15", operation, parameters)
}

/// The AWS id of a component.
pub(super) fn id_of(attributes: &Value, component: &str) -> String {
    attributes["components"][component].as_str().unwrap_or_default().to_owned()
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> String {
    let after = xml.split_once(&format!("<{name}>")).map(|(_, after)| after).unwrap_or_default();
    after.split_once('<').map(|(text, _)| text.to_owned()).unwrap_or_default()
}

#[test]
fn a_network_is_made_stays_and_goes() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let before = world.objects()?;
    terraform.configure(&network("  interface_endpoints = [\"sts\"]"))?;
    terraform.apply::<&str>(&[])?.success()?;
    let (plan, calls) = mutations_of(world, || check::empty_plan(terraform))?;
    assert_eq!((plan, calls), ((), Vec::<String>::new()));
    let made = terraform.attributes(NETWORK)?;
    assert_eq!((&made["status"], &made["drift"]), (&json!("ready"), &json!({})));
    assert_eq!(made["availability_zones"], json!(["euc1-az1", "euc1-az2", "euc1-az3"]));
    for list in ["private_subnet_ids", "public_subnet_ids", "database_subnet_ids", "control_plane_subnet_ids", "nat_public_ips"] {
        assert_eq!(made[list].as_array().map(Vec::len), Some(3), "{list}");
    }
    // What is imported by its name is the same network.
    terraform.run(&["state", "rm", NETWORK])?.success()?;
    terraform.import(NETWORK, "deeploy-prod")?.success()?;
    terraform.apply::<&str>(&[])?.success()?;
    assert_eq!(terraform.attributes(NETWORK)?["components"], made["components"]);
    check::empty_plan(terraform)?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects()?, before, "nothing is left");
    check::no_unsupported_call(world)
}

#[test]
fn nat_is_changed_in_place_without_cutting_what_works() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let mut before = Value::Null;
    for (nat, gateways) in [("per_az", 3), ("single", 1), ("per_az", 3)] {
        terraform.configure(&network(&format!("  nat = \"{nat}\"")))?;
        terraform.plan::<&str>(&[])?.success()?;
        let (applied, calls) = mutations_of(world, || terraform.apply_plan())?;
        applied.success()?;
        check::empty_plan(terraform)?;
        let now = terraform.attributes(NETWORK)?;
        assert_eq!(now["nat_public_ips"].as_array().map(Vec::len), Some(gateways), "{nat}");
        let position = |call: &str| calls.iter().position(|made| made == call);
        if !before.is_null() {
            for stays in ["vpc", "nat_gateway/euc1-az1", "eip/euc1-az1", "private_route_table/euc1-az3"] {
                assert_eq!(id_of(&now, stays), id_of(&before, stays), "{nat}");
            }
            let moved = position("ec2:ReplaceRoute").ok_or_else(|| Failure::new(format!("{nat}: no route moved: {calls:?}")))?;
            assert!(!calls.iter().any(|call| call == "ec2:DeleteRoute"), "{nat}: a zone was without a way out: {calls:?}");
            let (made, gone) = (position("ec2:CreateNatGateway"), position("ec2:DeleteNatGateway"));
            assert!(made.is_none_or(|made| made < moved) && gone.is_none_or(|gone| moved < gone), "{nat}: {calls:?}");
        }
        before = now;
    }
    check::no_unsupported_call(world)
}

#[test]
fn a_gateway_that_somebody_deleted_is_made_anew() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    let made = terraform.attributes(NETWORK)?;
    let gateway = id_of(&made, "nat_gateway/euc1-az1");
    ec2(world, "DeleteNatGateway", &[("NatGatewayId", &gateway)])?;
    terraform.apply::<&str>(&[])?.success()?;
    let after = terraform.attributes(NETWORK)?;
    assert!(id_of(&after, "nat_gateway/euc1-az1") != gateway, "another gateway stands in its place");
    assert_eq!(id_of(&after, "private_route_table/euc1-az2"), id_of(&made, "private_route_table/euc1-az2"));
    check::empty_plan(terraform)
}

#[test]
fn a_subnet_that_is_gone_is_never_made_anew_unseen() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    let made = terraform.attributes(NETWORK)?;
    ec2(world, "DisassociateRouteTable", &[("AssociationId", &id_of(&made, "database_association/euc1-az2"))])?;
    ec2(world, "DeleteSubnet", &[("SubnetId", &id_of(&made, "database_subnet/euc1-az2"))])?;
    let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    check::says(&plan.failure()?, "`database_subnet/euc1-az2`")?;
    assert_eq!(calls, Vec::<String>::new());
    terraform.configure(&network("  preset   = \"development\"\n  recreate = [\"database_subnet/euc1-az2\"]"))?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)
}

/// A VPC of somebody's, with two subnets and a route table: their ids.
fn existing(world: &World) -> Result<[String; 4], Failure> {
    let vpc = element(&ec2(world, "CreateVpc", &[("CidrBlock", "10.7.0.0/16")])?, "vpcId");
    ec2(world, "ModifyVpcAttribute", &[("VpcId", &vpc), ("EnableDnsHostnames.Value", "true")])?;
    let subnet = |cidr: &str, zone: &str| {
        let made = ec2(world, "CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", cidr), ("AvailabilityZone", zone)])?;
        Ok::<_, Failure>(element(&made, "subnetId"))
    };
    let (one, other) = (subnet("10.7.0.0/20", "eu-central-1a")?, subnet("10.7.16.0/20", "eu-central-1b")?);
    let table = element(&ec2(world, "CreateRouteTable", &[("VpcId", &vpc)])?, "routeTableId");
    Ok([vpc, one, other, table])
}

#[test]
fn a_network_that_exists_is_left_as_it_was_found() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let [vpc, one, other, table] = existing(world)?;
    let before = world.objects()?;
    let with = |more: &str| {
        network(&format!("  existing = {{\n    vpc_id = \"{vpc}\"\n    private_subnet_ids = [\"{one}\", \"{other}\"]\n{more}\n  }}"))
    };
    terraform.configure(&with(""))?;
    let (applied, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    applied.success()?;
    assert!(calls.iter().all(|call| call.starts_with("ssm:")), "{calls:?}");
    check::empty_plan(terraform)?;
    let told = terraform.attributes(NETWORK)?;
    assert_eq!((&told["cidr"], &told["vpc_id"], &told["nat"]), (&json!("10.7.0.0/16"), &json!(vpc), &Value::Null));
    terraform.configure(&with(&format!("    route_table_ids = [\"{table}\"]")))?;
    let (applied, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    applied.success()?;
    assert_eq!(calls.iter().filter(|call| call.starts_with("ec2:")).collect::<Vec<_>>(), ["ec2:CreateVpcEndpoint"]);
    check::empty_plan(terraform)?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects()?, before);
    check::no_unsupported_call(world)
}

#[test]
fn wrong_input_is_refused_before_anything_is_made() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let cases = [
        ("cidr = \"10.0.0.0/8\"", "A range of the wrong size"),
        ("cidr = \"10.0.1.0/16\"", "Not a range of IPv4 addresses"),
        ("cidr = \"172.20.0.0/16\"", "overlaps that of Kubernetes services"),
        ("availability_zones = [\"eu-central-1a\", \"eu-central-1b\"]", "Not an availability zone's id"),
        ("availability_zones = [\"euc1-az1\", \"euc1-az9\"]", "No such availability zone"),
        ("availability_zones = [\"euc1-az1\"]", "The wrong number of availability zones"),
        ("private_subnet_prefix_length = 17", "The subnets don't fit into the VPC"),
        ("nat = \"two\"", "\"two\""),
        ("nat_eip_allocation_ids = [\"eipalloc-1\"]", "Not one address for each gateway"),
        ("interface_endpoints = [\"s3\"]", "Not a service with an interface endpoint"),
        ("interface_endpoints = [\"ecr.apo\"]", "Did you mean `ecr.api`"),
        ("flow_logs = { retention_in_days = 10 }", "Not a retention of CloudWatch Logs"),
        ("existing = { vpc_id = \"vpc-0123456789abcdef0\", private_subnet_ids = [\"subnet-1\", \"subnet-2\"] }", "No such VPC"),
        (
            "nat = \"none\"\n  existing = { vpc_id = \"vpc-0123456789abcdef0\", private_subnet_ids = [\"subnet-1\", \"subnet-2\"] }",
            "that isn't ours",
        ),
    ];
    for (line, expected) in cases {
        terraform.configure(&network(&format!("  {line}")))?;
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        check::says(&plan.failure()?, expected)?;
        assert_eq!(calls, Vec::<String>::new(), "{line}");
    }
    Ok(())
}

#[test]
fn unknown_inputs_are_planned() -> Result<(), Failure> {
    let Stage { terraform, .. } = &stage()?;
    let unknown = "resource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\n";
    for line in [
        "cidr = terraform_data.later.id",
        "availability_zones = [terraform_data.later.id, \"euc1-az1\"]",
        "nat = terraform_data.later.id",
        "nat = \"single\"\n  nat_eip_allocation_ids = [terraform_data.later.id]",
        "interface_endpoints = [terraform_data.later.id]",
        "flow_logs = { enabled = terraform_data.later.id == \"x\" }",
        "existing = { vpc_id = terraform_data.later.id, private_subnet_ids = [terraform_data.later.id, \"subnet-1\"] }",
        "preset = terraform_data.later.id",
    ] {
        terraform.configure(&format!("{unknown}{}", network(&format!("  {line}"))))?;
        terraform.plan::<&str>(&[])?.success().map_err(|failure| Failure::new(format!("{line}: {failure}")))?;
    }
    Ok(())
}

#[test]
fn what_is_fixed_is_refused_with_what_to_do() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    for line in ["cidr = \"10.1.0.0/16\"", "availability_zones = [\"euc1-az2\", \"euc1-az3\"]", "private_subnet_prefix_length = 21"] {
        terraform.configure(&network(&format!("  preset = \"development\"\n  {line}")))?;
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        check::says(&plan.failure()?, "of a network can't be changed")?;
        assert_eq!(calls, Vec::<String>::new(), "{line}");
    }
    terraform.configure(&network("  preset = \"production\""))?;
    terraform.plan::<&str>(&[])?.success()?;
    let planned = change(terraform, NETWORK)?;
    assert_eq!(planned.actions, ["update"]);
    assert!(!planned.attributes.iter().any(|name| name == "availability_zones" || name == "private_subnet_prefix_length"));
    Ok(())
}
