//! Bucket policies.

use serde_json::{Value as Json, json};

use super::{Place, document};

/// The oldest TLS that is accepted.
const TLS_MIN: &str = "1.2";

/// A bucket's policy: nothing without TLS, nothing below TLS 1.2, and the user's statements.
#[must_use]
pub fn bucket_policy(place: &Place, bucket: &str, more: &[Json]) -> Json {
    let mut statements = tls_only(place, bucket);
    statements.extend_from_slice(more);
    document(&statements)
}

/// The policy of a bucket that takes the access logs of `source`, a bucket of the same account.
#[must_use]
pub fn log_bucket_policy(place: &Place, bucket: &str, source: &str) -> Json {
    let mut statements = tls_only(place, bucket);
    statements.push(json!({
        "Sid": "DeeployAccessLogs",
        "Effect": "Allow",
        "Principal": { "Service": "logging.s3.amazonaws.com" },
        "Action": "s3:PutObject",
        "Resource": format!("{}/*", place.bucket(bucket)),
        "Condition": {
            "ArnLike": { "aws:SourceArn": place.bucket(source) },
            "StringEquals": { "aws:SourceAccount": place.account_id },
        },
    }));
    document(&statements)
}

fn tls_only(place: &Place, bucket: &str) -> Vec<Json> {
    let arn = place.bucket(bucket);
    let deny = |sid: &str, condition: Json| {
        json!({
            "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")], "Condition": condition,
        })
    };
    vec![
        deny("DeeployDenyPlaintext", json!({ "Bool": { "aws:SecureTransport": "false" } })),
        deny("DeeployDenyOldTls", json!({ "NumericLessThan": { "s3:TlsVersion": TLS_MIN } })),
    ]
}
