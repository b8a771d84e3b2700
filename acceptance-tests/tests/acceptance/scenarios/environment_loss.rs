//! What holds data or identity and was deleted by hand: told with what is left of it, made anew only when it is named, restored where that is asked for.

use std::collections::BTreeMap;

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, NAME, components, made, nothing_left},
    stage::{Stage, mutations_of, stage, text},
};

fn rds(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
    world.query("rds", "2014-10-31", operation, parameters)
}

/// The plan and an apply refuse with all of these, and nothing is called.
fn refused(world: &World, terraform: &Terraform, said: &[&str]) -> Result<(), Failure> {
    let (run, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    let run = run.failure()?;
    for part in said {
        check::says(&run, part)?;
    }
    assert_eq!(calls, Vec::<String>::new());
    Ok(())
}

/// Applies with these lines, then without `recreate`, and sees that the next plan is empty. Gives the calls of the first apply.
fn recreated(stage: &Stage, lines: &mut Lines, more: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
    let Stage { world, terraform } = stage;
    for (name, value) in more {
        lines.set(name, value);
    }
    terraform.configure(&lines.text())?;
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    done.success()?;
    check::empty_plan(terraform)?;
    for (name, _) in more {
        lines.set(name, "");
    }
    terraform.configure(&lines.text())?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let state = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));
    Ok(calls)
}

/// Components whose id is another one than before.
fn moved(stage: &Stage, before: &BTreeMap<String, String>) -> Result<Vec<String>, Failure> {
    Ok(components(stage)?.into_iter().filter(|(name, id)| before.get(name) != Some(id)).map(|(name, _)| name).collect())
}

#[test]
fn a_cluster_that_somebody_deleted_comes_back_with_all_that_hangs_on_it() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::development(world);
    let state = made(&stage, &lines)?;
    let before = components(&stage)?;
    let group = before["node_group/default"].rsplit(':').next().unwrap_or_default().to_owned();
    world.eks("DELETE", &format!("/clusters/{NAME}/node-groups/{group}"), &Value::Null)?;
    world.eks("DELETE", &format!("/clusters/{NAME}"), &Value::Null)?;
    refused(world, terraform, &["`cluster` prod is gone", "recreate = [\"cluster\"]"])?;

    let calls = recreated(&stage, &mut lines, &[("recreate", "[\"cluster\"]")])?;
    for call in ["eks:CreateCluster", "eks:CreateNodegroup", "iam:CreateOpenIDConnectProvider"] {
        assert_eq!(calls.iter().filter(|made| *made == call).count(), 1, "{call}: {calls:?}");
    }
    assert!(!calls.iter().any(|call| call.starts_with("rds:Delete") || call.starts_with("s3:Delete")), "{calls:?}");
    let moved = moved(&stage, &before)?;
    for stays in ["vpc", "database", "bucket", "tokens_key", "data_key", "private_subnet/euc1-az1", "node_security_group", "role"] {
        assert!(!moved.iter().any(|one| one == stays), "{stays} of {moved:?}");
    }
    let again = terraform.attributes(ENVIRONMENT)?;
    assert_ne!(again["cluster"]["oidc_issuer_url"], state["cluster"]["oidc_issuer_url"]);
    assert_eq!(again["database"]["resource_id"], state["database"]["resource_id"]);
    // Deeploy's pods become its role by the new cluster.
    let question = json!({ "cluster": NAME, "namespace": "deeploy", "service_account": "default" });
    assert_eq!(world.ask("pod-identity", &question)?["role_arn"], again["identity"]["role_arn"]);
    terraform.destroy::<&str>(&[])?.success()?;
    nothing_left(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn a_subnet_that_somebody_deleted_is_made_anew_alone() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::development(world);
    made(&stage, &lines)?;
    let before = components(&stage)?;
    let ec2 = |operation: &str, parameters: &[(&str, &str)]| world.query("ec2", "2016-11-15", operation, parameters);
    // One of the database's that it doesn't stand in: AWS deletes no other.
    let subnets = before.keys().filter(|component| component.starts_with("database_subnet/"));
    let free = |subnet: &&String| {
        let association = subnet.replace("database_subnet", "database_association");
        ec2("DeleteSubnet", &[("SubnetId", &before[*subnet])]).is_ok().then_some((association, (*subnet).clone()))
    };
    let gone = subnets.clone().find_map(|subnet| free(&subnet));
    let (association, subnet) = gone.ok_or_else(|| Failure::new(format!("every subnet is in use: {before:?}")))?;
    refused(world, terraform, &[&format!("`{subnet}` {} is gone", before[&subnet]), &format!("recreate = [\"{subnet}\"]")])?;

    let calls = recreated(&stage, &mut lines, &[("recreate", &format!("[\"{subnet}\"]"))])?;
    assert_eq!(moved(&stage, &before)?, [association, subnet]);
    assert!(calls.iter().any(|call| call == "rds:ModifyDBSubnetGroup"), "{calls:?}");
    assert!(!calls.iter().any(|call| call.contains(":Delete")), "{calls:?}");
    check::no_unsupported_call(world)
}

#[test]
fn a_database_that_somebody_deleted_is_told_with_its_newest_snapshot_and_restored_from_it() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::development(world);
    let state = made(&stage, &lines)?;
    let before = components(&stage)?;
    rds(world, "CreateDBSnapshot", &[("DBSnapshotIdentifier", "older"), ("DBInstanceIdentifier", NAME)])?;
    // A second later at least, as AWS's clock shows it.
    check::empty_plan(terraform)?;
    let gone = [("DBInstanceIdentifier", NAME), ("FinalDBSnapshotIdentifier", "by-hand"), ("DeleteAutomatedBackups", "true")];
    rds(world, "DeleteDBInstance", &gone)?;
    let how = "with `database.snapshot_identifier = \"by-hand\"` beside it";
    refused(world, terraform, &["`database` prod is gone", "Its newest snapshot is by-hand, taken 20", how])?;
    // A snapshot that isn't there is no way back either.
    lines.set("recreate", "[\"database\"]");
    lines.set("database.snapshot_identifier", "\"by-had\"");
    terraform.configure(&lines.text())?;
    refused(world, terraform, &["There is no snapshot \"by-had\""])?;

    lines.set("database.snapshot_identifier", "\"by-hand\"");
    terraform.configure(&lines.text())?;
    let plan = terraform.plan::<&str>(&[])?.success()?.text();
    assert!(!plan.contains("Without effect on a database that exists"), "{plan}");
    let calls = recreated(&stage, &mut lines, &[("recreate", "[\"database\"]"), ("database.snapshot_identifier", "\"by-hand\"")])?;
    let made = |call: &str| calls.iter().filter(|made| *made == call).count();
    assert_eq!((made("rds:RestoreDBInstanceFromDBSnapshot"), made("rds:CreateDBInstance")), (1, 0), "{calls:?}");
    assert_eq!(moved(&stage, &before)?, Vec::<String>::new(), "an instance's id is its name");
    assert_ne!(terraform.attributes(ENVIRONMENT)?["database"]["resource_id"], state["database"]["resource_id"]);
    check::no_unsupported_call(world)
}

#[test]
fn a_destroyed_environment_comes_back_to_a_point_in_time() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::development(world);
    lines.set("encryption.on_destroy", "\"retain\"");
    lines.set("database.delete_automated_backups", "false");
    let first = made(&stage, &lines)?;
    let resource_id = text(&first["database"], "resource_id").to_owned();
    let said = terraform.destroy::<&str>(&[])?.success()?;
    check::says(&said, &format!("the automated backups of {resource_id}"))?;

    lines.set("database.restore_to_point_in_time", &format!("{{ source_dbi_resource_id = \"{resource_id}\" }}"));
    terraform.configure(&lines.text())?;
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    done.success()?;
    check::empty_plan(terraform)?;
    let count = |call: &str| calls.iter().filter(|made| *made == call).count();
    assert_eq!(
        (count("rds:RestoreDBInstanceToPointInTime"), count("rds:CreateDBInstance"), count("kms:CreateKey")),
        (1, 0, 0),
        "{calls:?}"
    );
    let again = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&again["status"], &again["encryption"]), (&json!("ready"), &first["encryption"]));
    assert_ne!(text(&again["database"], "resource_id"), resource_id);
    let described = rds(world, "DescribeDBInstances", &[("DBInstanceIdentifier", NAME)])?;
    assert!(described.contains(&format!("<KmsKeyId>{}</KmsKeyId>", text(&first["encryption"], "data_key_arn"))), "{described}");

    // It counts at create only: taken out, nothing changes.
    lines.set("database.restore_to_point_in_time", "");
    terraform.configure(&lines.text())?;
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    done.success()?;
    assert!(calls.iter().all(|call| call == "ssm:PutParameter"), "{calls:?}");
    check::empty_plan(terraform)?;
    check::no_unsupported_call(world)
}
