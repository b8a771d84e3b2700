//! Rules by service and operation; they go before the general ones. One file a family of services.

use super::Rule;

mod ec2;
mod eks;
mod first;
mod monitoring;
mod rds;

/// Every family's.
pub(super) const ALL: &[&[Rule]] = &[ec2::RULES, eks::RULES, first::RULES, monitoring::RULES, rds::RULES];
