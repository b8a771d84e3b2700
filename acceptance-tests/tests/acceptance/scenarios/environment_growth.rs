//! AWS grows the database's storage by itself: no difference of the database, and the alarm on what is free follows.

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    environment_stage::{ENVIRONMENT, applied, environment_stage, settled},
    stage::{Stage, change, mutations_of},
};

const GIB: i64 = 1 << 30;

#[test]
fn the_storage_alarm_follows_what_aws_has_grown() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let small = applied(&stage, &[("preset", "\"development\""), ("monitoring", "")])?;
    let threshold = "/monitoring/thresholds/database-free-storage";
    assert_eq!(small.pointer(threshold), Some(&json!(20 * GIB * 15 / 100)));
    assert_eq!(small["database"]["allocated_storage_actual"], json!(20));

    world.settings(&json!({ "rds_grow": { "identifier": "deeploy-prod", "allocated_storage": 90 } }))?;
    terraform.plan::<&str>(&[])?.success()?;
    let planned = change(terraform, ENVIRONMENT)?;
    assert_eq!(planned.actions, ["update"]);
    assert_eq!((&planned.before["drift"], &planned.before["database"]["allocated_storage"]), (&json!({}), &json!(20)));
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    assert_eq!(calls, ["cloudwatch:PutMetricAlarm"]);
    let grown = settled(terraform)?;
    assert_eq!(grown.pointer(threshold), Some(&json!(90 * GIB * 15 / 100)));
    let database = &grown["database"];
    assert_eq!((&database["allocated_storage"], &database["allocated_storage_actual"]), (&json!(20), &json!(90)));
    let alarm = json!({ "AlarmNames": [grown["components"]["alarm/database-free-storage"]] });
    let alarms = world.cloudwatch("DescribeAlarms", &alarm)?;
    assert_eq!(alarms["MetricAlarms"][0]["Threshold"].as_f64().map(|at| at.to_string()), Some((90 * GIB * 15 / 100).to_string()));
    check::no_unsupported_call(world)
}
