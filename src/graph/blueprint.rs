//! What a resource is made of: components with typed settings, and the edges between them.

use std::{collections::BTreeMap, fmt};

use serde_json::Value as Json;

use super::template::links;

/// A component's name within its resource, e.g. `key` or `access_key`. A public format (lifecycle.md 7): it stands in tags and state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(pub String);

impl fmt::Display for ComponentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<String> for ComponentId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for ComponentId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// Whose objects these are; the tag `deeploy:owner` holds `TYPE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Resource type, e.g. `deeploy_kms_key`.
    pub resource: String,
    /// The resource's own name.
    pub name: String,
}

/// A resource as its configuration wants it.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// Whose it is.
    pub owner: Owner,
    /// Every component; edges point only to components in this list, and there is no cycle.
    pub nodes: Vec<Node>,
    /// Tags of the user for every taggable component (default_tags merged in); never `deeploy:*`.
    pub tags: BTreeMap<String, String>,
    /// Tags of others that are neither drift nor removed: whole keys and key prefixes.
    pub ignore_tags: IgnoreTags,
}

/// The provider's `ignore_tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreTags {
    /// Whole keys.
    pub keys: Vec<String>,
    /// Key prefixes.
    pub key_prefixes: Vec<String>,
}

/// One component of a blueprint.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in this blueprint.
    pub id: ComponentId,
    /// Which [`super::Component`] makes it.
    pub kind: &'static str,
    /// What it shall be like.
    pub settings: Settings,
    /// Components that must be ready first, beyond those whose outputs its settings take.
    pub after: Vec<ComponentId>,
    /// Components that it needs while it is new, and goes before once it is there.
    pub late: Option<Late>,
    /// The first object made, which carries uid, incarnation and phase (lifecycle.md 14). Exactly one node is.
    pub claim: bool,
    /// Holds data: never recreated within an update (lifecycle.md 2).
    pub stateful: bool,
    /// Kept when the resource is destroyed, with the reason shown to the user (empty: nothing is said, it was never the resource's
    /// alone); `None`: deleted.
    pub keep: Option<String>,
    /// The cloud itself may have made it under this name (a log group): an object without anybody's marks is taken, not refused.
    pub adopt: bool,
    /// Tags of this object alone, beside the user's: what others know it by (`Name`, `kubernetes.io/role/elb`).
    pub tags: BTreeMap<String, String>,
    /// It takes our marks and no tags of the user: what holds them is a comment that people read.
    pub marks_only: bool,
    /// Shall not exist (its configuration was taken away): observed like any other, and a run deletes what it finds of ours, after the
    /// rest is done and after asking its guards. Absent and not found is no difference; found is, and shows in `drift` as `superfluous`.
    pub absent: bool,
}

/// See [`Node::late`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// The others.
    pub others: Vec<ComponentId>,
    /// The setting that tells that it has what it needs.
    pub well: &'static str,
}

impl Node {
    /// A stateless component that is deleted with its resource.
    #[must_use]
    pub fn new(id: &str, kind: &'static str, settings: Settings) -> Self {
        Self {
            id: id.into(),
            kind,
            settings,
            after: Vec::new(),
            late: None,
            claim: false,
            stateful: false,
            keep: None,
            adopt: false,
            tags: BTreeMap::new(),
            marks_only: false,
            absent: false,
        }
    }

    /// The component that carries the claim.
    #[must_use]
    pub fn claim(self) -> Self {
        Self { claim: true, ..self }
    }

    /// It holds data.
    #[must_use]
    pub fn stateful(self) -> Self {
        Self { stateful: true, ..self }
    }

    /// It comes after these, beyond those whose outputs its settings take.
    #[must_use]
    pub fn after(mut self, others: impl IntoIterator<Item = impl Into<ComponentId>>) -> Self {
        self.after.extend(others.into_iter().map(Into::into));
        self
    }

    /// It comes after these while it is new, or its setting `well` differs (it may lack just what they are); else those that are there are
    /// changed after it.
    #[must_use]
    pub fn late(self, others: impl IntoIterator<Item = impl Into<ComponentId>>, well: &'static str) -> Self {
        Self { late: Some(Late { others: others.into_iter().map(Into::into).collect(), well }), ..self }
    }

    /// The cloud itself may have made it.
    #[must_use]
    pub fn adopting(self) -> Self {
        Self { adopt: true, ..self }
    }

    /// It stays when the resource goes; the reason is shown.
    #[must_use]
    pub fn kept(self, reason: Option<String>) -> Self {
        Self { keep: reason, ..self }
    }

    /// It carries these tags beside the user's, and instead of the user's of the same key.
    #[must_use]
    pub fn tagged(mut self, tags: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        self.tags.extend(tags.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// It takes no tags of the user.
    #[must_use]
    pub fn marked_only(self) -> Self {
        Self { marks_only: true, ..self }
    }

    /// It shall not exist, if `absent`.
    #[must_use]
    pub fn absent_if(self, absent: bool) -> Self {
        Self { absent, ..self }
    }
}

impl Blueprint {
    /// A blueprint without tags of the user.
    #[must_use]
    pub fn of(owner: Owner, nodes: Vec<Node>) -> Self {
        Self { owner, nodes, tags: BTreeMap::new(), ignore_tags: IgnoreTags::default() }
    }
}

impl IgnoreTags {
    /// Whether a tag is somebody else's.
    #[must_use]
    pub fn covers(&self, key: &str) -> bool {
        self.keys.iter().any(|ignored| ignored == key) || self.key_prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}

/// Settings by name.
pub type Settings = BTreeMap<String, Setting>;

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What it shall be.
    pub value: Input,
    /// What a change of it takes.
    pub change: Change,
    /// How wanted and found are compared.
    pub meaning: Meaning,
    /// Whether the resource has an attribute for it; if not, its drift shows in `drift`.
    pub shown: bool,
    /// Switched on only as the last step of create (lifecycle.md 11), e.g. deletion protection.
    pub seal: bool,
    /// Whether AWS gives the object another id when it changes this in place.
    pub renews: bool,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Known now. `Null` means: AWS's own default, not compared. An empty text means: none, and is `Null` when found.
    Known(Json),
    /// Unknown at plan.
    Unknown,
    /// Another component's output, e.g. the key's id.
    Output(ComponentId, String),
    /// A value with other components' outputs inside: see [`super::link`].
    Template(Json),
}

impl Input {
    /// Every component whose outputs it takes.
    #[must_use]
    pub fn takes(&self) -> Vec<ComponentId> {
        match self {
            Self::Known(_) | Self::Unknown => Vec::new(),
            Self::Output(from, _) => vec![from.clone()],
            Self::Template(template) => links(template).into_iter().map(|(from, _)| from).collect(),
        }
    }
}

impl From<Json> for Input {
    /// A value that may hold links.
    fn from(value: Json) -> Self {
        if links(&value).is_empty() { Self::Known(value) } else { Self::Template(value) }
    }
}

/// What changing a setting takes (lifecycle.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// AWS changes it in place.
    Live,
    /// A new object is made before the old one goes.
    Replace,
    /// Never: a plan error.
    Fixed,
}

/// When two values of a setting are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Equal JSON.
    Exact,
    /// Arrays are sets.
    Unordered,
    /// A policy document: arrays are sets, an array of one equals its element.
    Policy,
    /// Equal JSON that the resource notes for itself (a record's value): a run brings it about, and another value is no drift.
    Note,
    /// The cloud never tells it (a deletion window, `force_destroy`): not compared, handed to the component as it is.
    Unread,
}
