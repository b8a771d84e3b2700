//! Roles, keys, buckets, logs, alarms: what is neither network, cluster nor database.

use acceptance_tests::Failure;
use serde_json::json;

use super::{Case, Hand, NO_CALL, by, never};
use crate::scenarios::stage::text;

/// A policy of AWS that no component has. As a boundary it leaves the roles what they need.
const SOMEBODYS: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

pub(super) const CASES: &[Case] = &[
    by(0, "iam_role", &["description"], |hand, role| {
        hand.world.iam("UpdateRole", &[("RoleName", hand.id(role)), ("Description", "somebody's")]).map(drop)
    }),
    by(0, "iam_role", &["managed_policies"], |hand, role| {
        let more = [("RoleName", hand.id(role)), ("PolicyArn", SOMEBODYS)];
        hand.world.iam("AttachRolePolicy", &more).map(drop)
    }),
    by(0, "iam_role", &["permissions_boundary"], |hand, role| {
        let boundary = [("RoleName", hand.id(role)), ("PermissionsBoundary", SOMEBODYS)];
        hand.world.iam("PutRolePermissionsBoundary", &boundary).map(drop)
    }),
    by(1, "iam_role", &["trust_policy"], |hand, role| {
        let anybody = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": root(hand) }, "Action": "sts:AssumeRole" },
        ] });
        let trust = [("RoleName", hand.id(role)), ("PolicyDocument", &anybody.to_string())];
        hand.world.iam("UpdateAssumeRolePolicy", &trust).map(drop)
    })
    .with(&[("addon/aws-ebs-csi-driver", "health")]),
    never("iam_role", &["name", "path"], NO_CALL),
    by(0, "iam_role_policy", &["policy"], |hand, policy| {
        let (role, name) = hand.id(policy).split_once(':').unwrap_or_default();
        let more = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] }).to_string();
        let put = [("RoleName", role), ("PolicyName", name), ("PolicyDocument", more.as_str())];
        hand.world.iam("PutRolePolicy", &put).map(drop)
    }),
    never("iam_role_policy", &["name", "role"], NO_CALL),
    by(0, "oidc_provider", &["client_ids"], |hand, provider| {
        let more = [("OpenIDConnectProviderArn", hand.id(provider)), ("ClientID", "another")];
        hand.world.iam("AddClientIDToOpenIDConnectProvider", &more).map(drop)
    }),
    never("oidc_provider", &["url"], NO_CALL),
    by(0, "kms_key", &["description"], |hand, key| {
        hand.world.kms("UpdateKeyDescription", &json!({ "KeyId": hand.id(key), "Description": "somebody's" })).map(drop)
    }),
    by(0, "kms_key", &["policy"], |hand, key| {
        let open = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": root(hand) }, "Action": "kms:*", "Resource": "*" },
        ] });
        hand.world.kms("PutKeyPolicy", &json!({ "KeyId": hand.id(key), "PolicyName": "default", "Policy": open.to_string() })).map(drop)
    }),
    by(0, "kms_key", &["rotation_period_in_days"], |hand, key| {
        hand.world.kms("EnableKeyRotation", &json!({ "KeyId": hand.id(key), "RotationPeriodInDays": 200 })).map(drop)
    }),
    by(1, "kms_key", &["enable_key_rotation"], |hand, key| {
        hand.world.kms("DisableKeyRotation", &json!({ "KeyId": hand.id(key) })).map(drop)
    })
    .with(&[("data_key", "rotation_period_in_days"), ("tokens_key", "rotation_period_in_days")]),
    by(3, "kms_key", &["enabled"], |hand, key| hand.world.kms("DisableKey", &json!({ "KeyId": hand.id(key) })).map(drop))
        .except("data_key", "RDS stops the database, which somebody has to start again: environment_keys shows it"),
    by(0, "kms_alias", &["key_id"], |hand, alias| {
        let other = if alias.starts_with("data") { "tokens_key" } else { "data_key" };
        hand.world.kms("UpdateAlias", &json!({ "AliasName": hand.id(alias), "TargetKeyId": hand.id(other) })).map(drop)
    }),
    never("kms_alias", &["name"], NO_CALL),
    by(0, "log_group", &["kms_key_arn"], |hand, group| {
        hand.world.logs("DisassociateKmsKey", &json!({ "logGroupName": hand.id(group) })).map(drop)
    }),
    by(0, "log_group", &["retention_in_days"], |hand, group| {
        hand.world.logs("PutRetentionPolicy", &json!({ "logGroupName": hand.id(group), "retentionInDays": 1 })).map(drop)
    }),
    never("log_group", &["name"], NO_CALL),
    by(
        0,
        "cloudwatch_alarm",
        &[
            "actions_enabled",
            "alarm_actions",
            "comparison_operator",
            "datapoints_to_alarm",
            "description",
            "dimensions",
            "evaluation_periods",
            "metric_name",
            "namespace",
            "ok_actions",
            "period",
            "statistic",
            "threshold",
            "treat_missing_data",
        ],
        another_alarm,
    ),
    never("cloudwatch_alarm", &["name"], NO_CALL),
    by(0, "sns_topic", &["display_name"], |hand, topic| topic_attribute(hand, topic, "DisplayName", "somebody's")),
    by(0, "sns_topic", &["kms_master_key_id"], |hand, topic| topic_attribute(hand, topic, "KmsMasterKeyId", "")),
    by(0, "sns_topic", &["policy"], |hand, topic| {
        let open = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": root(hand) }, "Action": "sns:Publish", "Resource": topic_arn(hand) },
        ] });
        topic_attribute(hand, topic, "Policy", &open.to_string())
    }),
    never("sns_topic", &["name"], NO_CALL),
    never("sns_subscription", &["endpoint", "protocol", "topic_arn"], NO_CALL),
    by(0, "event_rule", &["description", "pattern", "state"], |hand, rule| {
        let other =
            json!({ "Name": hand.id(rule), "Description": "somebody's", "EventPattern": "{\"source\":[\"aws.x\"]}", "State": "DISABLED" });
        hand.world.events("PutRule", &other).map(drop)
    }),
    never("event_rule", &["name"], NO_CALL),
    by(0, "event_target", &["arn"], |hand, _| {
        let other = json!([{ "Id": "deeploy", "Arn": other_topic(hand)? }]);
        hand.world.events("PutTargets", &json!({ "Rule": hand.id("health_rule"), "Targets": other })).map(drop)
    }),
    never("event_target", &["rule", "target_id"], NO_CALL),
    never("record", &["name"], NO_CALL),
    by(0, "s3_bucket", &["encryption"], |hand, bucket| {
        // Whichever of the two it isn't.
        let algorithm = if bucket == "bucket" { "AES256" } else { "aws:kms" };
        put(
            hand,
            bucket,
            "encryption",
            &format!(
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>\
             </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
            ),
        )
    }),
    by(0, "s3_bucket", &["lifecycle"], |hand, bucket| remove(hand, bucket, "lifecycle")),
    by(0, "s3_bucket", &["logging"], |hand, bucket| {
        // Whichever of the two it isn't.
        let logs = if bucket == "bucket" { String::new() } else { format!("<LoggingEnabled>{}</LoggingEnabled>", somebodys_logs(hand)?) };
        let status = format!("<BucketLoggingStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{logs}</BucketLoggingStatus>");
        put(hand, bucket, "logging", &status)
    }),
    by(0, "s3_bucket", &["object_ownership"], |hand, bucket| {
        let writer = "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>";
        put(hand, bucket, "ownershipControls", writer)
    }),
    by(0, "s3_bucket", &["policy"], |hand, bucket| remove(hand, bucket, "policy")),
    by(0, "s3_bucket", &["public_access_block"], |hand, bucket| remove(hand, bucket, "publicAccessBlock")),
    by(0, "s3_bucket", &["versioning"], |hand, bucket| {
        put(hand, bucket, "versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")
    }),
    never("s3_bucket", &["bucket"], NO_CALL),
];

fn root(hand: &Hand<'_>) -> String {
    format!("arn:aws:iam::{}:root", hand.world.account())
}

fn topic_arn<'a>(hand: &'a Hand<'_>) -> &'a str {
    text(&hand.state["monitoring"], "topic_arn")
}

fn topic_attribute(hand: &Hand<'_>, _topic: &str, name: &str, value: &str) -> Result<(), Failure> {
    let attribute = [("TopicArn", topic_arn(hand)), ("AttributeName", name), ("AttributeValue", value)];
    hand.world.query("sns", "2010-03-31", "SetTopicAttributes", &attribute).map(drop)
}

/// ARN of a topic that isn't the environment's.
pub(super) fn other_topic(hand: &Hand<'_>) -> Result<String, Failure> {
    hand.world.query("sns", "2010-03-31", "CreateTopic", &[("Name", "somebodys")])?;
    Ok(format!("arn:aws:sns:{}:{}:somebodys", hand.world.region(), hand.world.account()))
}

fn put(hand: &Hand<'_>, bucket: &str, what: &str, body: &str) -> Result<(), Failure> {
    hand.world.s3("PUT", &format!("/{}?{what}", hand.id(bucket)), body).map(drop)
}

fn remove(hand: &Hand<'_>, bucket: &str, what: &str) -> Result<(), Failure> {
    hand.world.s3("DELETE", &format!("/{}?{what}", hand.id(bucket)), "").map(drop)
}

/// A bucket that takes everybody's access logs.
fn somebodys_logs(hand: &Hand<'_>) -> Result<String, Failure> {
    let name = format!("somebodys-logs-{}", hand.world.account());
    let place =
        format!("<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>", hand.world.region());
    hand.world.s3("PUT", &format!("/{name}"), &place)?;
    let open = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "logging.s3.amazonaws.com" }, "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{name}/*"),
    }] });
    hand.world.s3("PUT", &format!("/{name}?policy"), &open.to_string())?;
    Ok(format!("<TargetBucket>{name}</TargetBucket><TargetPrefix>x/</TargetPrefix>"))
}

/// The same name over something else.
fn another_alarm(hand: &Hand<'_>, alarm: &str) -> Result<(), Failure> {
    let other = json!({
        "AlarmName": hand.id(alarm), "AlarmDescription": "somebody's", "ActionsEnabled": false, "AlarmActions": [], "OKActions": [],
        "Namespace": "AWS/X", "MetricName": "X", "Dimensions": [{ "Name": "A", "Value": "b" }], "Statistic": "SampleCount", "Period": 60,
        "EvaluationPeriods": 7, "DatapointsToAlarm": 5, "Threshold": 1.5, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "ignore",
    });
    hand.world.cloudwatch("PutMetricAlarm", &other).map(drop)
}
