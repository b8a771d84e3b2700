//! The engine: brings a [`Blueprint`] about, component by component. It names no AWS service and does no I/O of its own.
//!
//! [`observe`] reads, [`diff`] compares, [`run`] makes and changes, [`destroy`] deletes. docs/ARCHITECTURE.md, "Engine".

mod blueprint;
mod check;
mod claim;
mod claiming;
mod cloud;
mod compare;
mod component;
mod create;
mod destroy;
mod diff;
mod failure;
mod finish;
#[cfg(test)]
mod gone;
mod lease;
mod observe;
mod order;
mod outcome;
mod remove;
mod resolve;
mod retry;
mod run;
mod superfluous;
mod template;
mod wait;
mod work;

pub use blueprint::{Blueprint, Change, ComponentId, IgnoreTags, Input, Late, Meaning, Node, Owner, Setting, Settings};
pub use claim::{COMPONENT, Claim, INCARNATION, OWNER, PHASE, PREFIX, Phase, UID};
pub use cloud::{Cloud, Entropy, Limits, OsEntropy};
pub use compare::same;
pub use component::{Component, Found, Guard, Kept, Query, Readiness, Wanted};
pub use destroy::destroy;
pub use diff::{Difference, What, diff, drift};
pub use failure::{Class, Failure};
pub use lease::LEASE;
pub use observe::{Observed, UNREAD, observe};
pub use order::Flaw;
#[cfg(test)]
pub(crate) use order::Order;
pub use outcome::{ComponentFailure, Doing, Known, Mode, Outcome, Refusal, Run, Status};
pub(crate) use retry::{patiently, patiently_where};
pub use run::run;
pub use template::link;
