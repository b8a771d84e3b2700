//! What an instance class has, for thresholds in bytes and counts.

use aws_sdk_ec2::types::{Filter, InstanceTypeInfo};

use crate::{
    aws::{Aws, failure},
    graph::Failure,
};

/// A database's instance class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceClass {
    /// Bytes of memory.
    pub memory: i64,
    /// Whether its way to the storage is faster for a while than it is for good, so that it has balances.
    pub bursts_to_storage: bool,
}

const MIB: i64 = 1024 * 1024;

/// What the class has; `None` where EC2 knows no such type (a class of RDS alone, like `db.r5.large.tpc1.mem2x`).
///
/// # Errors
/// What AWS says.
pub async fn instance_class(aws: &Aws, class: &str) -> Result<Option<InstanceClass>, Failure> {
    let instance_type = class.strip_prefix("db.").unwrap_or(class);
    // A filter: what it doesn't name is left out instead of being an error.
    let filter = Filter::builder().name("instance-type").values(instance_type).build();
    let reply = aws.ec2.describe_instance_types().filters(filter).send().await;
    let reply = reply.map_err(|error| failure("ec2:DescribeInstanceTypes", error))?;
    Ok(reply
        .instance_types()
        .iter()
        .find(|info| info.instance_type().is_some_and(|name| name.as_str() == instance_type))
        .and_then(class_of))
}

fn class_of(info: &InstanceTypeInfo) -> Option<InstanceClass> {
    let memory = info.memory_info()?.size_in_mib()?.checked_mul(MIB)?;
    let storage = info.ebs_info().and_then(|ebs| ebs.ebs_optimized_info());
    let bursts_to_storage = storage.is_some_and(|storage| storage.baseline_iops() < storage.maximum_iops());
    Some(InstanceClass { memory, bursts_to_storage })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::components::replay::Script;

    fn reply(types: &str) -> String {
        format!(
            "<DescribeInstanceTypesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
             <instanceTypeSet>{types}</instanceTypeSet></DescribeInstanceTypesResponse>"
        )
    }

    #[tokio::test]
    async fn memory_is_told_in_bytes_and_an_unknown_class_is_no_error() {
        let large = |baseline: u32| {
            format!(
                "<item><instanceType>m7g.large</instanceType><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo><ebsInfo><ebsOptimizedInfo>\
                 <baselineIops>{baseline}</baselineIops><maximumIops>40000</maximumIops></ebsOptimizedInfo></ebsInfo></item>"
            )
        };
        let script = Script::new()
            .on("DescribeInstanceTypes", 200, &reply(&large(3600)))
            .on("DescribeInstanceTypes", 200, &reply(&large(40_000)))
            .on("DescribeInstanceTypes", 200, &reply(""));
        let aws = script.aws("eu-west-1");
        let found = instance_class(&aws, "db.m7g.large").await.unwrap();
        assert_eq!(found, Some(InstanceClass { memory: 8_589_934_592, bursts_to_storage: true }));
        assert!(!instance_class(&aws, "db.m7g.large").await.unwrap().unwrap().bursts_to_storage);
        assert_eq!(instance_class(&aws, "db.r5.large.tpc1.mem2x").await.unwrap(), None);
        assert!(script.finish()[0].1.contains("Filter.1.Value.1=m7g.large"), "no db.");
    }
}
