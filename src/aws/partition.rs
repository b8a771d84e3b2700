//! AWS's partitions. The SDK resolves endpoints by the same table but keeps it to itself.

/// A group of regions with accounts and ARNs of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second part of ARNs, e.g. `aws-cn`.
    pub id: &'static str,
    /// What host names end in.
    pub dns_suffix: &'static str,
    /// The region that answers for global services.
    pub global_region: &'static str,
}

/// The commercial partition: every region that no prefix below names.
const COMMERCIAL: Partition = Partition { id: "aws", dns_suffix: "amazonaws.com", global_region: "us-east-1" };

/// Region prefix → partition. Source: `partitions.json` of the AWS SDKs (`regionRegex`, `dnsSuffix`, `implicitGlobalRegion`).
const PARTITIONS: &[(&str, Partition)] = &[
    ("cn-", Partition { id: "aws-cn", dns_suffix: "amazonaws.com.cn", global_region: "cn-northwest-1" }),
    ("us-gov-", Partition { id: "aws-us-gov", dns_suffix: "amazonaws.com", global_region: "us-gov-west-1" }),
    ("us-iso-", Partition { id: "aws-iso", dns_suffix: "c2s.ic.gov", global_region: "us-iso-east-1" }),
    ("us-isob-", Partition { id: "aws-iso-b", dns_suffix: "sc2s.sgov.gov", global_region: "us-isob-east-1" }),
    ("eu-isoe-", Partition { id: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", global_region: "eu-isoe-west-1" }),
    ("us-isof-", Partition { id: "aws-iso-f", dns_suffix: "csp.hci.ic.gov", global_region: "us-isof-south-1" }),
    ("eusc-", Partition { id: "aws-eusc", dns_suffix: "amazonaws.eu", global_region: "eusc-de-east-1" }),
];

impl Partition {
    /// The partition that a region belongs to.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or(COMMERCIAL, |(_, partition)| *partition)
    }

    /// The partition of that name, if there is one.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        std::iter::once(COMMERCIAL).chain(PARTITIONS.iter().map(|(_, partition)| *partition)).find(|partition| partition.id == id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_by_region_and_by_name() {
        for (region, id, suffix) in [
            ("eu-central-1", "aws", "amazonaws.com"),
            ("us-east-1", "aws", "amazonaws.com"),
            ("mx-central-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-west-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-east-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            let partition = Partition::of_region(region);
            assert_eq!((partition.id, partition.dns_suffix), (id, suffix), "{region}");
            assert_eq!(Partition::of_id(id).unwrap(), partition);
            assert_eq!(Partition::of_region(partition.global_region), partition, "the global region of {id} lies in it");
        }
        assert_eq!(Partition::of_id("aws-moon"), None);
    }
}
