//! The policy of a topic that tells of alarms and events.

use serde_json::{Value as Json, json};

use super::{Place, document};

/// The policy of a topic: CloudWatch's alarms, RDS's events and EventBridge's rules of this account may publish, nobody may without TLS. The account's own
/// identities need no statement.
#[must_use]
pub fn topic_policy(place: &Place, topic: &str) -> Json {
    let arn = place.regional("sns", topic);
    let allow = |sid: &str, service: &str| json!({ "Sid": sid, "Effect": "Allow", "Principal": { "Service": service }, "Action": "sns:Publish", "Resource": arn });
    let only = |mut statement: Json, sources: String| {
        if let Some(fields) = statement.as_object_mut() {
            let condition = json!({ "StringEquals": { "aws:SourceAccount": place.account_id }, "ArnLike": { "aws:SourceArn": sources } });
            fields.insert("Condition".to_owned(), condition);
        }
        statement
    };
    document(&[
        only(allow("DeeployAlarms", "cloudwatch.amazonaws.com"), place.regional("cloudwatch", "alarm:*")),
        only(allow("DeeployDatabaseEvents", "events.rds.amazonaws.com"), place.regional("rds", "*")),
        // EventBridge takes no conditions in a topic's policy (its user guide, "Amazon SNS permissions"): with one no event arrives. Its rules reach
        // topics of their own account only.
        allow("DeeployHealthEvents", "events.amazonaws.com"),
        json!({
            "Sid": "DeeployDenyPlaintext", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": arn,
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }),
    ])
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::policies::frankfurt;

    #[test]
    fn services_publish_for_this_account_only_and_nobody_without_tls() {
        let policy = topic_policy(&frankfurt(), "prod-alarms");
        let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
        let arn = "arn:aws:sns:eu-central-1:123456789012:prod-alarms";
        assert!(statements.iter().all(|statement| statement["Resource"] == arn));
        let conditions: Vec<_> = statements
            .iter()
            .map(|statement| {
                let condition = &statement["Condition"];
                (statement["Principal"]["Service"].as_str(), condition["ArnLike"]["aws:SourceArn"].as_str(), condition["Bool"].is_object())
            })
            .collect();
        assert_eq!(
            conditions,
            [
                (Some("cloudwatch.amazonaws.com"), Some("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"), false),
                (Some("events.rds.amazonaws.com"), Some("arn:aws:rds:eu-central-1:123456789012:*"), false),
                (Some("events.amazonaws.com"), None, false),
                (None, None, true),
            ]
        );
    }
}
