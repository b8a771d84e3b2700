//! Somebody changes alarms, topic or rule by hand.

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    drift::{Call, Drift, each_is_repaired},
    monitoring::monitoring,
    stage::{Stage, stage},
};

const MONITORING: &str = "deeploy_monitoring.this";

#[test]
fn every_drift_is_found_named_and_repaired_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    terraform.configure(&monitoring(&[("tags", "{ team = \"ml\" }")]))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let topic = format!("arn:aws:sns:eu-central-1:{}:watch-alarms", world.account());
    let alarm = |threshold: f64, actions: &[&str]| {
        let alarm = json!({
            "AlarmName": "watch-node-cpu", "Namespace": "ContainerInsights", "MetricName": "node_cpu_utilization",
            "Dimensions": [{ "Name": "ClusterName", "Value": "watched" }], "Statistic": "Average", "Period": 300, "EvaluationPeriods": 3,
            "DatapointsToAlarm": 3, "Threshold": threshold, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "missing",
            "ActionsEnabled": true, "AlarmActions": actions, "OKActions": actions,
        });
        vec![Call::Cloudwatch("PutMetricAlarm", alarm)]
    };
    let sns = |operation: &'static str, form: &[(&str, &str)]| {
        let mut all = vec![("TopicArn", topic.as_str())];
        all.extend_from_slice(form);
        vec![Call::query("sns", "2010-03-31", operation, &all)]
    };
    let set = |name: &str, value: &str| sns("SetTopicAttributes", &[("AttributeName", name), ("AttributeValue", value)]);
    let events = |operation: &'static str, parameters| vec![Call::Events(operation, parameters)];
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic },
    ] });
    let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "else")];
    let tagged: Vec<(&str, &str)> = [("ResourceArn", topic.as_str())].into_iter().chain(tag).collect();
    let put: &[&str] = &["cloudwatch:PutMetricAlarm"];
    let drift = |what, by_hand, drift, repair| Drift { what, by_hand, attributes: &[], drift, repair };
    let alarm_drift = |names: &[&str]| json!({ "alarm/node-cpu": names });
    let deleted = vec![Call::Cloudwatch("DeleteAlarms", json!({ "AlarmNames": ["watch-node-disk"] }))];
    let cases = [
        drift("another threshold", alarm(99.0, &[&topic]), alarm_drift(&["description", "threshold"]), put),
        drift("an alarm that tells nobody", alarm(80.0, &[]), alarm_drift(&["alarm_actions", "description", "ok_actions"]), put),
        drift("a deleted alarm", deleted, json!({ "alarm/node-disk": ["absent"] }), put),
        drift("an open topic", set("Policy", &open.to_string()), json!({ "topic": ["policy"] }), &["sns:SetTopicAttributes"]),
        drift("another sender", set("DisplayName", "Somebody"), json!({ "topic": ["display_name"] }), &["sns:SetTopicAttributes"]),
        drift(
            "another tag",
            vec![Call::query("sns", "2010-03-31", "TagResource", &tagged)],
            json!({ "topic": ["tags"] }),
            &["sns:TagResource"],
        ),
        drift(
            "a rule that sleeps",
            events("DisableRule", json!({ "Name": "watch-health" })),
            json!({ "health_rule": ["state"] }),
            &["events:PutRule"],
        ),
        drift(
            "a rule without a target",
            events("RemoveTargets", json!({ "Rule": "watch-health", "Ids": ["deeploy"] })),
            json!({ "health_target": ["absent"] }),
            &["events:PutTargets"],
        ),
    ];
    each_is_repaired(&stage, MONITORING, &cases)
}

#[test]
fn a_deleted_topic_is_made_anew_with_its_subscriptions() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&monitoring(&[]))?;
    terraform.apply::<&str>(&[])?.success()?;
    let topic = format!("arn:aws:sns:eu-central-1:{}:watch-alarms", world.account());
    world.query("sns", "2010-03-31", "DeleteTopic", &[("TopicArn", &topic)])?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!((world.objects_of("sns:topic")?.len(), world.objects_of("sns:subscription")?.len()), (1, 1));
    Ok(())
}
