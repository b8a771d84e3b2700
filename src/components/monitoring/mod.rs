//! Records, log groups, topics, alarms, rules.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod record;

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![Arc::new(record::Record::new(Arc::clone(aws)))]
}
