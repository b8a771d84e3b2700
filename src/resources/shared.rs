//! What every resource of several objects has beside its parts.

use std::collections::BTreeMap;

use tf_provider::{Attr, Model, Set, Timeouts};

use super::{checks, marks::ClaimMarks, plan, state::ABSENT};
use crate::graph::Known;

/// Attributes of every resource that is made of several named objects.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Shared {
    /// Components that hold data or identity, are gone, and shall be made anew, empty (e.g. `["database"]`). Without it a plan that finds one gone
    /// is an error. Take it out again after the apply.
    #[tf(optional)]
    pub recreate: Attr<Set<String>>,
    /// Tags of every object, beside the provider's `default_tags`.
    #[tf(optional, validate(checks::tags()), note(change = "live"))]
    pub tags: Attr<BTreeMap<String, Attr<String>>>,
    /// How long each operation may take.
    #[tf(optional)]
    pub timeouts: Attr<Timeouts>,
    /// The resource's name.
    #[tf(computed)]
    pub id: Attr<String>,
    /// `ready` when everything is made and can be used; `incomplete` after a failed or interrupted apply; `degraded` when it was ready, and parts of it are
    /// missing or can't be used now; `deleting` after a destroy that did not end; `unclaimed` after an import, until the next apply.
    #[tf(computed)]
    pub status: Attr<String>,
    /// Components that differ from what they should be: component to names of settings. The next apply repairs them.
    #[tf(computed)]
    pub drift: Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
    /// What the resource is made of: component to the id that AWS has for it.
    #[tf(computed)]
    pub components: Attr<BTreeMap<String, Attr<String>>>,
    /// All tags: `tags` and the provider's `default_tags`.
    #[tf(computed)]
    pub tags_all: Attr<BTreeMap<String, Attr<String>>>,
    /// The marks by which the provider knows the objects as this resource's.
    #[tf(computed)]
    pub claim: Attr<ClaimMarks>,
}

impl Shared {
    /// Whether the resource was complete once: what guards it holds, whatever happened to its parts since.
    pub(crate) fn is_handed_out(&self) -> bool {
        self.status.as_str().is_some_and(plan::is_handed_out)
    }

    /// Whether a component that stands in state was found to be gone.
    pub(crate) fn is_gone(&self, component: &str) -> bool {
        let drift = self.drift.known().and_then(|drift| drift.get(component)).and_then(Attr::known);
        drift.into_iter().flatten().any(|name| name.as_str() == Some(ABSENT))
    }

    /// Whether a component was found to differ.
    pub(crate) fn differs(&self, component: &str) -> bool {
        self.drift.known().is_some_and(|drift| drift.contains_key(component))
    }

    /// Whether the user lets a component be made anew.
    pub(crate) fn recreates(&self, component: &str) -> bool {
        self.recreate.known().is_some_and(|all| all.known().any(|one| one == component))
    }

    /// The components' ids that stand in a state.
    pub(crate) fn known(&self) -> Known {
        let all = self.components.known().into_iter().flatten();
        all.filter_map(|(component, id)| Some((component.as_str().into(), id.known()?.clone()))).collect()
    }
}
