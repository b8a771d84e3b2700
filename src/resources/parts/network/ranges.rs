//! IPv4 ranges, and how a VPC's is divided.

use std::fmt;

/// A range of addresses: `10.0.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    base: u32,
    prefix: u8,
}

/// Bits of an address.
const BITS: u8 = 32;
/// Prefix lengths that EC2 takes for a VPC, of which the smaller ranges hold no environment.
pub(super) const VPC_PREFIXES: std::ops::RangeInclusive<u8> = 16..=20;
/// Zones of an environment: EKS and RDS take two at least, and no region has more than six.
pub(super) const ZONES: std::ops::RangeInclusive<usize> = 2..=6;
/// Prefix lengths of public and database subnets, the first that fits: a load balancer wants a /27 at least.
const SIDE_PREFIXES: std::ops::RangeInclusive<u8> = 24..=27;
/// Prefix length of the control plane's subnets: EKS takes six addresses, and wants sixteen.
const CONTROL_PLANE_PREFIX: u8 = 28;
/// The smallest private subnet that is of use.
const PRIVATE_PREFIX_MAX: u8 = 26;

impl Range {
    /// # Errors
    /// Says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not of the form \"10.0.0.0/16\".");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: std::net::Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let number: u8 = prefix.parse().map_err(|_| wrong())?;
        if number > BITS || prefix != number.to_string() {
            return Err(wrong());
        }
        let range = Self { base: u32::from(address) & mask(number), prefix: number };
        if range.base == u32::from(address) {
            Ok(range)
        } else {
            Err(format!("{text:?} begins within its range. AWS would make {range} of it: write that."))
        }
    }

    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether the two have an address in common.
    pub(super) fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.base & mask == other.base & mask
    }

    /// The `index`th range of this length, counted from `offset` addresses after the beginning.
    fn part(self, offset: u64, prefix: u8, index: u64) -> Option<Self> {
        let base = u64::from(self.base).checked_add(offset)?.checked_add(index.checked_mul(size(prefix))?)?;
        Some(Self { base: u32::try_from(base).ok()?, prefix })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", std::net::Ipv4Addr::from(self.base), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(u32::from(BITS.saturating_sub(prefix))).unwrap_or_default()
}

/// Addresses of a range.
fn size(prefix: u8) -> u64 {
    1_u64 << BITS.saturating_sub(prefix)
}

/// A VPC's subnets, those of each zone at its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub private: Vec<Range>,
    pub public: Vec<Range>,
    pub database: Vec<Range>,
    pub control_plane: Vec<Range>,
}

/// Where the side subnets begin: private ones from the beginning of the VPC, then, from its end downwards, the control plane's, the
/// database's and the public ones.
fn sides(vpc: Range, zones: u64, private: u8, side: u8) -> Option<(u64, u64, u64)> {
    let control = size(vpc.prefix).checked_sub(zones * size(CONTROL_PLANE_PREFIX))?;
    // Down to where a side subnet may begin.
    let database = (control / size(side) * size(side)).checked_sub(zones * size(side))?;
    let public = database.checked_sub(zones * size(side))?;
    (zones * size(private) <= public).then_some((public, database, control))
}

/// The division of `vpc` with private subnets of that length; `None` where it doesn't hold them.
pub(super) fn plan(vpc: Range, zones: usize, private: u8) -> Option<Plan> {
    let count = u64::try_from(zones).ok()?;
    if private < vpc.prefix || private > PRIVATE_PREFIX_MAX {
        return None;
    }
    let (side, (public, database, control)) = SIDE_PREFIXES.into_iter().find_map(|side| Some((side, sides(vpc, count, private, side)?)))?;
    let all = |offset: u64, prefix: u8| (0..count).map(|index| vpc.part(offset, prefix, index)).collect::<Option<Vec<_>>>();
    Some(Plan {
        private: all(0, private)?,
        public: all(public, side)?,
        database: all(database, side)?,
        control_plane: all(control, CONTROL_PLANE_PREFIX)?,
    })
}

/// The length of private subnets nearest to the wanted one that fits beside side subnets of a decent size.
pub(super) fn fitting(vpc: Range, zones: usize, wanted: u8) -> Option<u8> {
    let count = u64::try_from(zones).ok()?;
    let mut pairs =
        SIDE_PREFIXES.flat_map(|side| (wanted.max(vpc.prefix)..=PRIVATE_PREFIX_MAX.min(side)).map(move |private| (private, side)));
    pairs.find(|(private, side)| private < side && sides(vpc, count, *private, *side).is_some()).map(|(private, _)| private)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap()
    }

    #[test]
    fn ranges_are_read_and_told() {
        for text in ["10.0.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "192.168.128.0/17"] {
            assert_eq!(range(text).to_string(), text);
        }
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0/16", "10.0.0.0/016", "a/16", "10.0.0.0/-1", "10.0.0.0/ 8", "::/0"] {
            assert!(Range::parse(text).unwrap_err().contains("is not of the form"), "{text}");
        }
        assert!(Range::parse("10.0.1.0/16").unwrap_err().contains("make 10.0.0.0/16 of it"));
    }

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        for (one, other, expected) in [
            ("10.0.0.0/16", "10.0.128.0/17", true),
            ("10.0.128.0/17", "10.0.0.0/16", true),
            ("10.0.0.0/16", "10.1.0.0/16", false),
            ("0.0.0.0/0", "10.1.0.0/16", true),
        ] {
            assert_eq!(range(one).overlaps(range(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn every_vpc_of_every_number_of_zones_is_divided_without_overlap() {
        for prefix in VPC_PREFIXES {
            for zones in ZONES {
                for wanted in [19, 20] {
                    let vpc = range(&format!("10.0.0.0/{prefix}"));
                    let private = fitting(vpc, zones, wanted).unwrap_or_else(|| panic!("/{prefix} in {zones} zones"));
                    let plan = plan(vpc, zones, private).unwrap();
                    let all: Vec<Range> = [plan.private, plan.public, plan.database, plan.control_plane].concat();
                    assert_eq!(all.len(), zones * 4);
                    for (at, one) in all.iter().enumerate() {
                        assert!(vpc.overlaps(*one) && one.prefix >= vpc.prefix, "{one} lies in {vpc}");
                        assert_eq!(range(&one.to_string()), *one, "{one} begins where a range of its length may");
                        let clash = all.iter().skip(at + 1).find(|other| one.overlaps(**other));
                        assert_eq!(clash, None, "{one} in {vpc} over {zones} zones");
                    }
                }
            }
        }
    }

    #[test]
    fn the_divisions_of_the_presets_are_golden() {
        let of = |plan: &Plan| {
            [&plan.private, &plan.public, &plan.database, &plan.control_plane]
                .map(|ranges| ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        let vpc = range("10.0.0.0/16");
        assert_eq!((fitting(vpc, 3, 19), fitting(vpc, 2, 20)), (Some(19), Some(20)));
        let expected = [
            "10.0.0.0/19 10.0.32.0/19 10.0.64.0/19",
            "10.0.249.0/24 10.0.250.0/24 10.0.251.0/24",
            "10.0.252.0/24 10.0.253.0/24 10.0.254.0/24",
            "10.0.255.208/28 10.0.255.224/28 10.0.255.240/28",
        ];
        assert_eq!(of(&plan(vpc, 3, 19).unwrap()), expected);
        let small = range("10.9.0.0/20");
        assert_eq!(fitting(small, 6, 19), Some(24));
        let expected =
            ["10.9.0.0/22 10.9.4.0/22", "10.9.11.0/24 10.9.12.0/24", "10.9.13.0/24 10.9.14.0/24", "10.9.15.224/28 10.9.15.240/28"];
        assert_eq!(of(&plan(small, 2, fitting(small, 2, 20).unwrap()).unwrap()), expected);
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(plan(range("10.0.0.0/16"), 6, 18), None);
        assert_eq!(plan(range("10.0.0.0/20"), 2, 19), None, "larger than the VPC");
        assert_eq!(plan(range("10.0.0.0/16"), 2, 27), None, "of no use");
        assert_eq!(fitting(range("10.0.0.0/26"), 2, 19), None);
    }
}
