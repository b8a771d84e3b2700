//! The claim: the tags by which one resource owns its objects (lifecycle.md 14–18).

use std::{collections::BTreeMap, fmt};

use sha2::{Digest, Sha256};

use super::{Blueprint, Change, ComponentId, Found, Node, Owner, Wanted};

/// What every tag of the engine starts with; users never see or set one.
pub const PREFIX: &str = "deeploy:";
/// On every taggable object: `TYPE/NAME`.
pub const OWNER: &str = "deeploy:owner";
/// On every taggable object: the component's id.
pub const COMPONENT: &str = "deeploy:component";
/// On the claim: the resource's uuid, for as long as it lives.
pub const UID: &str = "deeploy:uid";
/// On the claim: a random nonce of whoever claimed it last.
pub const INCARNATION: &str = "deeploy:incarnation";
/// On the claim: a [`Phase`].
pub const PHASE: &str = "deeploy:phase";

/// How far a resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Being made; never handed out, so that another create may take it over.
    Creating,
    /// Complete and sealed.
    Ready,
    /// Being deleted.
    Deleting,
    /// Deleted by us; the claim outlives its delete and may be taken back.
    Deleted,
}

impl Phase {
    /// As it stands in the tag.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Creating, Self::Ready, Self::Deleting, Self::Deleted].into_iter().find(|phase| phase.as_str() == text)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What the claim's tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The resource's uuid.
    pub uid: String,
    /// The nonce of whoever claimed it last.
    pub incarnation: String,
    /// How far it has come.
    pub phase: Phase,
}

impl Claim {
    /// Reads it from an object's tags; `None` when one of the three is missing. A phase that this release doesn't know
    /// counts as ready: the safe side, since nobody takes over what is ready.
    #[must_use]
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            uid: tags.get(UID)?.clone(),
            incarnation: tags.get(INCARNATION)?.clone(),
            phase: Phase::parse(tags.get(PHASE)?).unwrap_or(Phase::Ready),
        })
    }

    /// Its three tags.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        [(UID, self.uid.as_str()), (INCARNATION, self.incarnation.as_str()), (PHASE, self.phase.as_str())]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    pub(crate) fn at(&self, phase: Phase) -> Self {
        Self { phase, ..self.clone() }
    }
}

impl Owner {
    /// The value of `deeploy:owner`.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}/{}", self.resource, self.name)
    }
}

/// Whose an object is, by its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    Ours,
    Nobodys,
    Anothers(String),
}

/// Whose `found` is. The component tag counts too: two components of one kind must not be taken for each other.
pub(crate) fn ownership(owner: &Owner, found: &Found) -> Ownership {
    match found.tags.get(OWNER) {
        None => Ownership::Nobodys,
        Some(tag) if *tag == owner.tag() => Ownership::Ours,
        Some(tag) => Ownership::Anothers(tag.clone()),
    }
}

/// Every tag that a node's object shall carry; the claim's own come from `claim`, on the claim only.
pub(crate) fn wanted_tags(blueprint: &Blueprint, node: &Node, claim: Option<&Claim>) -> BTreeMap<String, String> {
    let mut tags = if node.marks_only { BTreeMap::new() } else { blueprint.tags.clone() };
    tags.extend(node.tags.clone());
    tags.insert(OWNER.to_owned(), blueprint.owner.tag());
    tags.insert(COMPONENT.to_owned(), node.id.0.clone());
    if node.claim {
        tags.extend(claim.map(Claim::tags).unwrap_or_default());
    }
    tags
}

/// The idempotency token: 64 hex digits, the same for each try of the same object. `instead_of` is the id of the one that it
/// replaces: with the same token the service would answer with the old object.
pub(crate) fn token(uid: &str, node: &Node, wanted: &Wanted, instead_of: Option<&str>) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    part(uid);
    part(&node.id.0);
    for (name, value) in &wanted.settings {
        // What a change of replaces the object makes it another one: a service remembers a token beyond the object's end.
        if node.settings.get(name).is_some_and(|setting| setting.change != Change::Live) {
            part(name);
            part(&value.to_string());
        }
    }
    part(instead_of.unwrap_or_default());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The claim's component.
pub(crate) fn claim_id(blueprint: &Blueprint) -> Option<&ComponentId> {
    blueprint.nodes.iter().find(|node| node.claim).map(|node| &node.id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_survives_its_tags_and_an_unknown_phase_is_ready() {
        for phase in [Phase::Creating, Phase::Ready, Phase::Deleting, Phase::Deleted] {
            let claim = Claim { uid: "u".into(), incarnation: "i".into(), phase };
            assert_eq!(Claim::of(&claim.tags()), Some(claim));
        }
        let mut tags = Claim { uid: "u".into(), incarnation: "i".into(), phase: Phase::Creating }.tags();
        tags.insert(PHASE.into(), "from a later release".into());
        assert_eq!(Claim::of(&tags).unwrap().phase, Phase::Ready);
        tags.remove(INCARNATION);
        assert_eq!(Claim::of(&tags), None);
    }

    #[test]
    fn a_nodes_own_tags_stand_beside_the_users_and_below_ours() {
        let owner = Owner { resource: "deeploy_network".into(), name: "n".into() };
        let node = Node::new("vpc", "vpc", BTreeMap::new()).tagged([("Name", "n-vpc"), (OWNER, "nobody")]);
        let mut blueprint = Blueprint::of(owner, vec![node.clone()]);
        blueprint.tags = [("Name", "mine"), ("team", "ml")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let wanted = wanted_tags(&blueprint, &node, None);
        let expected = [("Name", "n-vpc"), (COMPONENT, "vpc"), (OWNER, "deeploy_network/n"), ("team", "ml")];
        assert_eq!(wanted, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn tokens_are_the_same_for_the_same_object_only() {
        use crate::graph::{Input, Meaning, Setting, Settings};
        let setting = |change| Setting { value: Input::Unknown, change, meaning: Meaning::Exact, shown: false, seal: false, renews: false };
        let pairs = [("name", Change::Fixed), ("size", Change::Live), ("subnet", Change::Replace)];
        let settings: Settings = pairs.into_iter().map(|(name, change)| (name.into(), setting(change))).collect();
        let (one, two) = (Node::new("a", "k", settings.clone()), Node::new("b", "k", settings));
        let wanted = |name: &str, size: u8| Wanted {
            component: "a".into(),
            settings: [("name".into(), name.into()), ("size".into(), size.into())].into(),
            tags: BTreeMap::new(),
            token: String::new(),
        };
        let first = token("u", &one, &wanted("n", 1), None);
        assert_eq!(first.len(), 64);
        assert_eq!(first, token("u", &one, &wanted("n", 2), None), "what may change doesn't count");
        let mut in_subnet = wanted("n", 1);
        in_subnet.settings.insert("subnet".into(), "s".into());
        let others = [
            token("v", &one, &wanted("n", 1), None),
            token("u", &two, &wanted("n", 1), None),
            token("u", &one, &wanted("m", 1), None),
            token("u", &one, &wanted("n", 1), Some("old")),
            token("u", &one, &in_subnet, None),
        ];
        assert!(!others.contains(&first));
    }
}
