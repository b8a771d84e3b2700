//! Ways out of a network: addresses of the user's own, none at all, and one that AWS can't make.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    network::{NETWORK, ec2, id_of, network},
    stage::{Stage, mutations_of, stage},
    staging::elements,
};

/// An address of somebody's own: its allocation and itself.
fn address(world: &World) -> Result<(String, String), Failure> {
    let made = ec2(world, "AllocateAddress", &[("Domain", "vpc")])?;
    let text = |name: &str| elements(&made, name).first().map(|text| (*text).to_owned()).unwrap_or_default();
    Ok((text("allocationId"), text("publicIp")))
}

#[test]
fn the_users_addresses_are_used_exchanged_and_left_to_him() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let [(one, first), (two, second), (three, third)] = [address(world)?, address(world)?, address(world)?];
    let before = world.objects()?;
    let zones = "  preset = \"development\"\n  nat = \"per_az\"\n  availability_zones = [\"euc1-az1\", \"euc1-az2\"]";
    let with = |ids: &str| network(&format!("{zones}\n  nat_eip_allocation_ids = [{ids}]"));
    let sorted = |state: &Value| {
        let ips = state["nat_public_ips"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut ips: Vec<String> = ips.map(str::to_owned).collect();
        ips.sort();
        ips
    };
    let expected = |mut ips: Vec<String>| {
        ips.sort();
        ips
    };
    terraform.configure(&with(&format!("\"{one}\", \"{two}\"")))?;
    let (applied, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    applied.success()?;
    check::empty_plan(terraform)?;
    assert_eq!(calls.iter().filter(|call| *call == "ec2:CreateNatGateway").count(), 2);
    assert!(!calls.iter().any(|call| call == "ec2:AllocateAddress"), "{calls:?}");
    assert_eq!(sorted(&terraform.attributes(NETWORK)?), expected(vec![first.clone(), second]));

    // Another address is another gateway; the plan names it, and the other zone keeps its own.
    let before_exchange = terraform.attributes(NETWORK)?;
    terraform.configure(&with(&format!("\"{one}\", \"{three}\"")))?;
    check::says(&terraform.plan::<&str>(&[])?.success()?, "- `nat_gateway/euc1-az2`")?;
    let (applied, calls) = mutations_of(world, || terraform.apply_plan())?;
    applied.success()?;
    check::empty_plan(terraform)?;
    let after = terraform.attributes(NETWORK)?;
    assert_eq!(sorted(&after), expected(vec![first, third]));
    assert_eq!(id_of(&after, "nat_gateway/euc1-az1"), id_of(&before_exchange, "nat_gateway/euc1-az1"));
    assert!(!calls.iter().any(|call| call == "ec2:ReleaseAddress" || call == "ec2:DeleteRoute"), "{calls:?}");

    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects()?, before, "the addresses are there as before, and nothing else");
    check::no_unsupported_call(world)
}

#[test]
fn without_a_way_out_there_is_no_gateway_no_address_and_no_route() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let nat = |nat: &str| network(&format!("  preset = \"development\"\n  nat = \"{nat}\""));
    terraform.configure(&nat("none"))?;
    let (applied, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    applied.success()?;
    check::empty_plan(terraform)?;
    assert!(!calls.iter().any(|call| call == "ec2:CreateNatGateway" || call == "ec2:AllocateAddress"), "{calls:?}");
    let closed = terraform.attributes(NETWORK)?;
    assert_eq!((&closed["nat_public_ips"], &closed["status"]), (&json!([]), &json!("ready")));
    let out = |state: &Value| -> Result<bool, Failure> {
        let from = json!({ "subnet_id": state["private_subnet_ids"][0] });
        let answer = world.ask("reach", &json!({ "from": from, "to": { "address": "198.51.100.7" }, "port": 443, "protocol": "tcp" }))?;
        Ok(answer["allowed"] == json!(true))
    };
    assert!(!out(&closed)?, "nothing leads out");
    // S3 has its own way.
    assert!(id_of(&closed, "s3_endpoint").starts_with("vpce-"), "{closed}");

    terraform.configure(&nat("single"))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let open = terraform.attributes(NETWORK)?;
    assert!(out(&open)? && open["nat_public_ips"].as_array().map(Vec::len) == Some(1), "{open}");
    terraform.configure(&nat("none"))?;
    check::says(&terraform.plan::<&str>(&[])?.success()?, "- `nat_gateway/euc1-az1`")?;
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    let closed = terraform.attributes(NETWORK)?;
    assert!(!out(&closed)?);
    assert_eq!(closed["nat_public_ips"], json!([]));
    check::no_unsupported_call(world)
}

#[test]
fn a_gateway_that_can_not_come_up_is_told_and_made_anew_when_it_can() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    // Its address is another gateway's.
    let (allocation, ip) = address(world)?;
    let text = |xml: &str, name: &str| elements(xml, name).first().map(|text| (*text).to_owned()).unwrap_or_default();
    let vpc = text(&ec2(world, "CreateVpc", &[("CidrBlock", "10.9.0.0/16")])?, "vpcId");
    let subnet = text(&ec2(world, "CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.9.0.0/24")])?, "subnetId");
    let internet = text(&ec2(world, "CreateInternetGateway", &[])?, "internetGatewayId");
    ec2(world, "AttachInternetGateway", &[("VpcId", &vpc), ("InternetGatewayId", &internet)])?;
    let other = text(&ec2(world, "CreateNatGateway", &[("SubnetId", &subnet), ("AllocationId", &allocation)])?, "natGatewayId");

    terraform
        .configure(&network(&format!("  preset = \"development\"\n  nat = \"single\"\n  nat_eip_allocation_ids = [\"{allocation}\"]")))?;
    let failed = terraform.apply::<&str>(&[])?.failure()?;
    for part in ["`nat_gateway/euc1-az1` failed", &format!("Elastic IP address {allocation} is already associated"), "terraform untaint"] {
        check::says(&failed, part)?;
    }
    let made = terraform.attributes(NETWORK)?;
    assert_eq!(made["status"], json!("incomplete"));
    // What needs no way out is complete.
    for component in ["private_subnet/euc1-az1", "database_subnet/euc1-az2", "s3_endpoint", "public_route"] {
        assert!(!id_of(&made, component).is_empty(), "{component}: {made}");
    }
    ec2(world, "DeleteNatGateway", &[("NatGatewayId", &other)])?;
    terraform.run(&["untaint", NETWORK])?.success()?;
    let (applied, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    check::says(&applied.success()?, "0 destroyed")?;
    check::empty_plan(terraform)?;
    let mended = terraform.attributes(NETWORK)?;
    assert_eq!((&mended["status"], &mended["nat_public_ips"]), (&json!("ready"), &json!([ip])));
    assert_eq!(id_of(&mended, "private_subnet/euc1-az1"), id_of(&made, "private_subnet/euc1-az1"));
    assert_eq!(calls.iter().filter(|call| *call == "ec2:CreateNatGateway").count(), 1, "{calls:?}");
    check::no_unsupported_call(world)
}
