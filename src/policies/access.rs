//! What Deeploy's role or user may do: its bucket, the bucket's key, the tokens key, and nothing else.

use serde_json::{Value as Json, json};

use super::{
    SEED_KEY_ACTIONS, document,
    statements::{sid, statements_of, strings},
};

/// How much of the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// What Deeploy does with objects.
    LeastPrivilege,
    /// The policy of Deeploy's page to the letter (`s3:*` on objects; fails Security Hub's IAM.21).
    Documented,
}

/// On what; what is absent gets no statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTo {
    /// The bucket's ARN.
    pub bucket_arn: Option<String>,
    /// ARN of the key that the bucket is encrypted with.
    pub bucket_kms_key_arn: Option<String>,
    /// ARN of the key that encrypts Deeploy's tokens.
    pub tokens_key_arn: Option<String>,
    /// `amazonaws.com` or the partition's own.
    pub dns_suffix: String,
    /// The bucket's region, where the key's ARN doesn't tell it yet.
    pub region: String,
}

/// The identity policy; `None` where nothing is given access to.
#[must_use]
pub fn access_policy(access: Access, to: &AccessTo) -> Option<Json> {
    let mut statements = Vec::new();
    if let Some(bucket) = &to.bucket_arn {
        statements.extend(bucket_statements(access, bucket));
    }
    if let Some(key) = &to.bucket_kms_key_arn {
        let region = key.split(':').nth(3).unwrap_or(&to.region);
        statements.push(json!({
            "Sid": "DeeployBucketKey", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key,
            "Condition": { "StringEquals": { "kms:ViaService": format!("s3.{region}.{}", to.dns_suffix) } },
        }));
    }
    if let Some(key) = &to.tokens_key_arn {
        statements.push(json!({ "Sid": "DeeployTokensKey", "Effect": "Allow", "Action": SEED_KEY_ACTIONS, "Resource": key }));
    }
    (!statements.is_empty()).then(|| document(&statements))
}

fn bucket_statements(access: Access, bucket: &str) -> [Json; 2] {
    let objects = format!("{bucket}/*");
    match access {
        Access::Documented => [
            json!({ "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket] }),
            json!({ "Effect": "Allow", "Action": ["s3:*"], "Resource": [objects] }),
        ],
        Access::LeastPrivilege => [
            json!({
                "Sid": "DeeployBucket", "Effect": "Allow", "Resource": bucket,
                "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            }),
            json!({
                "Sid": "DeeployObjects", "Effect": "Allow", "Resource": objects,
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            }),
        ],
    }
}

/// The access that a policy gives, as far as it is one of ours: the inverse of [`access_policy`], for import.
#[must_use]
pub fn read_access(policy: &Json) -> (Access, AccessTo) {
    let mut access = Access::LeastPrivilege;
    let mut to =
        AccessTo { bucket_arn: None, bucket_kms_key_arn: None, tokens_key_arn: None, dns_suffix: String::new(), region: String::new() };
    for statement in statements_of(policy) {
        let resource = strings(statement.get("Resource")).into_iter().next();
        match sid(statement) {
            "DeeployBucket" => to.bucket_arn = resource,
            "DeeployBucketKey" => to.bucket_kms_key_arn = resource,
            "DeeployTokensKey" => to.tokens_key_arn = resource,
            "" if strings(statement.get("Action")) == ["s3:ListBucket"] => {
                access = Access::Documented;
                to.bucket_arn = resource;
            }
            _ => {}
        }
    }
    (access, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_policy_is_the_seeds() {
        let to = AccessTo {
            bucket_arn: Some("arn:aws:s3:::artifacts".to_owned()),
            bucket_kms_key_arn: None,
            tokens_key_arn: None,
            dns_suffix: "amazonaws.com".to_owned(),
            region: String::new(),
        };
        let seed = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"] },
                { "Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::artifacts/*"] },
            ],
        });
        assert_eq!(access_policy(Access::Documented, &to), Some(seed));
    }

    #[test]
    fn the_buckets_key_only_through_s3_of_its_region() {
        let to = AccessTo {
            bucket_arn: None,
            bucket_kms_key_arn: Some("arn:aws-cn:kms:cn-north-1:123456789012:key/k".to_owned()),
            tokens_key_arn: None,
            dns_suffix: "amazonaws.com.cn".to_owned(),
            region: String::new(),
        };
        let text = access_policy(Access::LeastPrivilege, &to).map(|policy| policy.to_string()).unwrap_or_default();
        assert!(text.contains(r#""kms:ViaService":"s3.cn-north-1.amazonaws.com.cn""#), "{text}");
    }

    #[test]
    fn access_is_read_back_from_what_was_written() {
        for access in [Access::LeastPrivilege, Access::Documented] {
            let to = AccessTo {
                bucket_arn: Some("arn:aws:s3:::artifacts".to_owned()),
                bucket_kms_key_arn: Some("arn:aws:kms:eu-central-1:123456789012:key/a".to_owned()),
                tokens_key_arn: Some("arn:aws:kms:eu-central-1:123456789012:key/b".to_owned()),
                dns_suffix: String::new(),
                region: String::new(),
            };
            let policy = access_policy(access, &to).unwrap_or_default();
            assert_eq!(read_access(&policy), (access, to));
        }
    }

    #[test]
    fn access_to_nothing_is_no_policy() {
        let to =
            AccessTo { bucket_arn: None, bucket_kms_key_arn: None, tokens_key_arn: None, dns_suffix: String::new(), region: String::new() };
        assert_eq!(access_policy(Access::LeastPrivilege, &to), None);
    }
}
