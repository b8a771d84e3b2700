//! The SDK's own retry of a call whose reply was lost makes a second object where the call has neither token nor
//! unique name (lifecycle.md 20), and hides from the engine what it did where it has one. Creates go out once:
//! `aws.kms.create_key().customize().config_override(once::kms()).send()`.

/// No retries, for one KMS call.
#[must_use]
pub fn kms() -> aws_sdk_kms::config::Builder {
    aws_sdk_kms::Config::builder().retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
}

/// No retries, for one IAM call.
#[must_use]
pub fn iam() -> aws_sdk_iam::config::Builder {
    aws_sdk_iam::Config::builder().retry_config(aws_sdk_iam::config::retry::RetryConfig::disabled())
}

/// No retries, for one S3 call.
#[must_use]
pub fn s3() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
}

/// No retries, for one Secrets Manager call.
#[must_use]
pub fn secrets() -> aws_sdk_secretsmanager::config::Builder {
    aws_sdk_secretsmanager::Config::builder().retry_config(aws_sdk_secretsmanager::config::retry::RetryConfig::disabled())
}
