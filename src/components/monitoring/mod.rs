//! Records, log groups, topics, alarms, rules.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod log_group;
mod record;

pub use record::record_value;

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![Arc::new(log_group::LogGroup::new(Arc::clone(aws))), Arc::new(record::Record::new(Arc::clone(aws)))]
}
