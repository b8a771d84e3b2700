//! AWS: clients, credentials, error classes, partitions. Only this layer and `components/` know the SDK.

mod arn;
pub mod batch;
mod connect;
mod database_token;
mod environment;
pub mod error;
mod http;
#[cfg(test)]
pub(crate) mod loopback;
pub mod once;
mod partition;
mod redact;
mod roles;
mod secret_value;
pub(crate) mod session_manager;
pub mod settings;

pub use arn::{Arn, ArnError};
pub use connect::{ConnectError, OPERATION_TIMEOUT, connect};
pub use database_token::{DatabaseLogin, DatabaseToken};
pub use environment::Environment;
pub use error::{Absent, failure};
pub use partition::Partition;
pub use redact::redact;
pub use roles::RoleError;
pub use secret_value::SecretValue;
pub use settings::Settings;

use std::fmt;

use aws_types::SdkConfig;

/// One account in one region, ready to be called.
#[derive(Clone)]
pub struct Aws {
    /// Key Management Service.
    pub kms: aws_sdk_kms::Client,
    /// Simple Storage Service.
    pub s3: aws_sdk_s3::Client,
    /// Identity and Access Management.
    pub iam: aws_sdk_iam::Client,
    /// Security Token Service.
    pub sts: aws_sdk_sts::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Auto Scaling.
    pub autoscaling: aws_sdk_autoscaling::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Elastic Compute Cloud: networks, security groups, launch templates.
    pub ec2: aws_sdk_ec2::Client,
    /// Elastic Kubernetes Service.
    pub eks: aws_sdk_eks::Client,
    /// Classic Load Balancers.
    pub elb: aws_sdk_elasticloadbalancing::Client,
    /// Network and Application Load Balancers.
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// Relational Database Service.
    pub rds: aws_sdk_rds::Client,
    /// Simple Notification Service.
    pub sns: aws_sdk_sns::Client,
    /// Systems Manager: Parameter Store.
    pub ssm: aws_sdk_ssm::Client,
    /// Credentials and clock, for what is signed and not sent.
    sdk: SdkConfig,
    /// E.g. `eu-west-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, `aws-iso` …; the second part of every ARN.
    pub partition: String,
    /// E.g. `amazonaws.com`: what service host names and S3 domain names end in.
    pub dns_suffix: String,
    /// Who calls, as GetCallerIdentity says; for a role its session's ARN.
    pub caller_arn: String,
}

impl fmt::Debug for Aws {
    /// Clients hold credentials: they are left out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Aws").field("region", &self.region).field("caller_arn", &self.caller_arn).finish_non_exhaustive()
    }
}

/// Who calls: the answer of `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account_id: String,
    /// A user's, a session's or the account root's ARN.
    pub arn: String,
}

impl Aws {
    /// Clients for every service over one connection pool and one credentials cache. Contacts nothing.
    #[must_use]
    pub fn new(config: &SdkConfig, s3: aws_sdk_s3::Client, region: &str, caller: Caller) -> Self {
        let partition = Partition::of_region(region);
        Self {
            kms: aws_sdk_kms::Client::new(config),
            s3,
            iam: aws_sdk_iam::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            autoscaling: aws_sdk_autoscaling::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
            eks: aws_sdk_eks::Client::new(config),
            elb: aws_sdk_elasticloadbalancing::Client::new(config),
            elbv2: aws_sdk_elasticloadbalancingv2::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
            sdk: config.clone(),
            region: region.to_owned(),
            account_id: caller.account_id,
            partition: partition.id.to_owned(),
            dns_suffix: partition.dns_suffix.to_owned(),
            caller_arn: caller.arn,
        }
    }

    /// The ARN of something in this account, e.g. `arn("iam", "", "role/x")`; IAM's have no region.
    #[must_use]
    pub fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{resource}", self.partition, self.account_id)
    }

    /// The endpoint of every service, where one is configured (`endpoint_url`, `AWS_ENDPOINT_URL`): other programs are told it.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.sdk.endpoint_url()
    }

    /// A bucket's ARN: it has neither region nor account.
    #[must_use]
    pub fn s3_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Clients that reach nothing.
    pub(crate) fn offline(region: &str) -> Aws {
        let config = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let s3 = aws_sdk_s3::Client::new(&config);
        let caller = Caller { account_id: "123456789012".into(), arn: "arn:aws:sts::123456789012:assumed-role/Admin/me".into() };
        Aws::new(&config, s3, region, caller)
    }

    #[test]
    fn arns_take_the_partition_of_the_region() {
        assert_eq!(offline("eu-west-1").arn("iam", "", "role/x"), "arn:aws:iam::123456789012:role/x");
        assert_eq!(offline("cn-north-1").s3_arn("b"), "arn:aws-cn:s3:::b");
        assert_eq!(offline("us-gov-west-1").arn("kms", "us-gov-west-1", "key/1"), "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1");
        assert_eq!(offline("us-iso-east-1").arn("iam", "", "root"), "arn:aws-iso:iam::123456789012:root");
    }
}
