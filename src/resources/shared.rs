//! What every resource of several objects has beside its parts.

use std::collections::BTreeMap;

use tf_provider::{Attr, Model, Set, Timeouts};

use super::{checks, marks::ClaimMarks};
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
    /// `ready` when everything is made and can be used; `incomplete` after a failed or interrupted apply, or while something isn't usable;
    /// `deleting` after a destroy that did not end; `unclaimed` after an import, until the next apply.
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
    /// The components' ids that stand in a state.
    pub(crate) fn known(&self) -> Known {
        let all = self.components.known().into_iter().flatten();
        all.filter_map(|(component, id)| Some((component.as_str().into(), id.known()?.clone()))).collect()
    }
}
