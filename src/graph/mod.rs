//! The engine: brings a [`Blueprint`] about, component by component. It names no AWS service and does no I/O of its own.

mod blueprint;
mod component;
mod failure;

pub use blueprint::{Blueprint, Change, ComponentId, IgnoreTags, Input, Meaning, Node, Owner, Setting, Settings};
pub use component::{Component, Found, Guard, Kept, Query, Readiness, Wanted};
pub use failure::{Class, Failure};
