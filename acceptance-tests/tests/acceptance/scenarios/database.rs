//! A database: made, changed in place, grown and upgraded by AWS, upgraded by us, destroyed with a snapshot, and restored from it.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage, text};

pub(super) const DATABASE: &str = "deeploy_rds_instance.this";

/// A network and a key that others made.
pub(super) struct Around {
    vpc: String,
    subnets: Vec<String>,
    nodes: String,
    key: String,
}

/// What stands between `<TAG>` and `</TAG>`, the first time.
pub(super) fn between(reply: &str, tag: &str) -> String {
    let inner = reply.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
    inner.map(|(inner, _)| inner.to_owned()).unwrap_or_default()
}

fn ec2(world: &World, operation: &str, parameters: &[(&str, &str)], tag: &str) -> Result<String, Failure> {
    world.query("ec2", "2016-11-15", operation, parameters).map(|reply| between(&reply, tag))
}

pub(super) fn around(world: &World) -> Result<Around, Failure> {
    let vpc = ec2(world, "CreateVpc", &[("CidrBlock", "10.0.0.0/16")], "vpcId")?;
    let subnet = |cidr: &str, zone: &str| {
        ec2(world, "CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", cidr), ("AvailabilityZone", zone)], "subnetId")
    };
    let subnets = vec![subnet("10.0.0.0/24", "eu-central-1a")?, subnet("10.0.1.0/24", "eu-central-1b")?];
    let group = [("GroupName", "nodes"), ("GroupDescription", "nodes"), ("VpcId", vpc.as_str())];
    let nodes = ec2(world, "CreateSecurityGroup", &group, "groupId")?;
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", world.account()) }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "Service": "logs.eu-central-1.amazonaws.com" }, "Resource": "*",
          "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"] },
    ]});
    let key = world.kms("CreateKey", &json!({ "Policy": policy.to_string() }))?;
    Ok(Around { vpc, subnets, nodes, key: text(&key["KeyMetadata"], "Arn").to_owned() })
}

pub(super) fn database(around: &Around, more: &str) -> String {
    format!(
        "resource \"deeploy_rds_instance\" \"this\" {{\n name = \"db\"\n vpc_id = \"{}\"\n subnet_ids = {:?}\n \
         node_security_group_id = \"{}\"\n kms_key_arn = \"{}\"\n{more}\n}}\n",
        around.vpc, around.subnets, around.nodes, around.key
    )
}

/// Applies, sees that the next plan is empty, and gives the attributes and the calls that changed something of RDS.
fn applied(stage: &Stage, around: &Around, more: &str) -> Result<(Value, Vec<String>), Failure> {
    stage.terraform.configure(&database(around, more))?;
    let (done, calls) = mutations_of(&stage.world, || stage.terraform.apply::<&str>(&[]))?;
    done.success()?;
    check::empty_plan(&stage.terraform)?;
    let calls = calls.into_iter().filter(|call| call.starts_with("rds:")).collect();
    Ok((stage.terraform.attributes(DATABASE)?, calls))
}

pub(super) fn ids(world: &World, kind: &str) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = world.objects_of(kind)?.iter().map(|object| text(object, "id").to_owned()).collect();
    ids.sort();
    Ok(ids)
}

#[test]
fn a_database_is_closed_encrypted_and_restored_from_its_final_snapshot() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    let around = around(world)?;
    let (made, _) = applied(&stage, &around, "")?;
    assert_eq!(
        (&made["status"], &made["identifier"], &made["port"], &made["pending_changes"]),
        (&json!("ready"), &json!("db"), &json!(5432), &json!({}))
    );
    assert!(text(&made, "engine_version_actual").starts_with("17.") && text(&made, "master_secret_arn").contains("rds!db-"), "{made}");

    // A change that restarts waits for the window, is told, and is no difference.
    let class = "instance_class = \"db.m7g.xlarge\"";
    let (waiting, calls) = applied(&stage, &around, class)?;
    assert_eq!(
        (&waiting["pending_changes"], calls),
        (&json!({"instance_class": "db.m7g.xlarge"}), vec!["rds:ModifyDBInstance".to_owned()])
    );
    // AWS grows the storage and raises the minor version by itself: no difference either.
    world.settings(&json!({ "rds_apply_pending": "db" }))?;
    world.settings(&json!({ "rds_grow": { "identifier": "db", "allocated_storage": 300 } }))?;
    check::empty_plan(&stage.terraform)?;

    // What somebody changed by hand, and whose repair waits for the window as the change did.
    let by_hand = [("DBInstanceIdentifier", "db"), ("EnableIAMDatabaseAuthentication", "false"), ("ApplyImmediately", "true")];
    world.query("rds", "2014-10-31", "ModifyDBInstance", &by_hand)?;
    let (repaired, calls) = applied(&stage, &around, class)?;
    assert_eq!((&repaired["drift"], calls), (&json!({}), vec!["rds:ModifyDBInstance".to_owned()]));

    for (more, attribute, says) in [
        ("allocated_storage = 50", "allocated_storage", "Storage can't shrink"),
        ("engine_version = \"18\"", "engine_version", "A major upgrade that nobody allowed"),
        ("max_allocated_storage = 105", "max_allocated_storage", "The storage could not grow"),
        ("backup_window = \"03:00-04:00\"", "maintenance_window", "The windows overlap"),
    ] {
        stage.terraform.configure(&database(&around, &format!("{class}\n{more}")))?;
        let refused = stage.terraform.plan::<&str>(&[])?.failure()?;
        check::says(&refused, says).map_err(|failure| Failure::new(format!("{attribute}: {failure}")))?;
    }

    // The major upgrade: a snapshot first, then the new family's parameter group, and the old one goes.
    let major = format!("{class}\nengine_version = \"18\"\nallow_major_version_upgrade = true\napply_immediately = true");
    let (upgraded, calls) = applied(&stage, &around, &major)?;
    assert!(text(&upgraded, "engine_version_actual").starts_with("18."), "{upgraded}");
    let place = |call: &str| calls.iter().position(|made| made == call).unwrap_or(usize::MAX);
    let order = ["rds:CreateDBSnapshot", "rds:ModifyDBInstance", "rds:DeleteDBParameterGroup"].map(place);
    assert!(order.is_sorted() && order[2] < usize::MAX, "{calls:?}");
    assert_eq!(ids(world, "rds:parameter_group")?, ["db-postgres18"]);

    // What somebody changed by hand shows and is repaired.
    let by_hand = [("DBInstanceIdentifier", "db"), ("AutoMinorVersionUpgrade", "false"), ("ApplyImmediately", "true")];
    world.query("rds", "2014-10-31", "ModifyDBInstance", &by_hand)?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(&stage.terraform, DATABASE)?.before["drift"], json!({ "database": ["auto_minor_version_upgrade"] }));
    applied(&stage, &around, &major)?;

    // Protected; then destroyed, with a snapshot from which another one is made.
    let guarded = stage.terraform.destroy::<&str>(&[])?.failure()?;
    check::says(&guarded, "Set deletion_protection = false")?;
    let open = "engine_version = \"18\"\nallocated_storage = 300\ndeletion_protection = false";
    applied(&stage, &around, open)?;
    let gone = stage.terraform.destroy::<&str>(&[])?.success()?;
    let snapshots = ids(world, "rds:snapshot")?;
    let snapshot = snapshots.iter().find(|id| id.starts_with("db-final-")).cloned().unwrap_or_default();
    check::says(&gone, &snapshot)?;
    assert_eq!((ids(world, "rds:instance")?, ids(world, "rds:parameter_group")?), (Vec::<String>::new(), Vec::<String>::new()));
    let (restored, calls) = applied(&stage, &around, &format!("{open}\nsnapshot_identifier = \"{snapshot}\""))?;
    assert!(calls.contains(&"rds:RestoreDBInstanceFromDBSnapshot".to_owned()) && restored["status"] == "ready", "{calls:?}");
    check::no_unsupported_call(world)
}
