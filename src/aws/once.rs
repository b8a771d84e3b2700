//! The SDK's own retry of a call whose reply was lost makes a second object where the call has neither token nor
//! unique name (lifecycle.md 20), and hides from the engine what it did where it has one. Creates go out once:
//! `aws.kms.create_key().customize().config_override(once::kms()).send()`.

macro_rules! once {
    ($($service:ident $sdk:ident $name:literal;)+) => { $(
        #[doc = concat!("No retries, for one call of ", $name, ".")]
        #[must_use]
        pub fn $service() -> $sdk::config::Builder {
            $sdk::Config::builder().retry_config($sdk::config::retry::RetryConfig::disabled())
        }
    )+ };
}

once! {
    kms aws_sdk_kms "KMS";
    iam aws_sdk_iam "IAM";
    s3 aws_sdk_s3 "S3";
    secrets aws_sdk_secretsmanager "Secrets Manager";
    cloudwatch aws_sdk_cloudwatch "CloudWatch";
    logs aws_sdk_cloudwatchlogs "CloudWatch Logs";
    ec2 aws_sdk_ec2 "Elastic Compute Cloud";
    eks aws_sdk_eks "Elastic Kubernetes Service";
    elb aws_sdk_elasticloadbalancing "Classic Load Balancers";
    elbv2 aws_sdk_elasticloadbalancingv2 "Network and Application Load Balancers";
    events aws_sdk_eventbridge "EventBridge";
    rds aws_sdk_rds "Relational Database Service";
    sns aws_sdk_sns "Simple Notification Service";
    ssm aws_sdk_ssm "Systems Manager";
    autoscaling aws_sdk_autoscaling "Auto Scaling";
}
