//! Records, log groups, topics, alarms, rules.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod cloudwatch_alarm;
mod event_rule;
mod event_target;
mod instance_class;
mod log_group;
mod record;
mod sns_subscription;
mod sns_topic;

pub use instance_class::{InstanceClass, instance_class};
pub use record::record_value;

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(cloudwatch_alarm::CloudwatchAlarm::new(Arc::clone(aws))),
        Arc::new(event_rule::EventRule::new(Arc::clone(aws))),
        Arc::new(event_target::EventTarget::new(Arc::clone(aws))),
        Arc::new(log_group::LogGroup::new(Arc::clone(aws))),
        Arc::new(record::Record::new(Arc::clone(aws))),
        Arc::new(sns_subscription::SnsSubscription::new(Arc::clone(aws))),
        Arc::new(sns_topic::SnsTopic::new(Arc::clone(aws))),
    ]
}
