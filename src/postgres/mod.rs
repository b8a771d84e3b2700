//! The SQL side: the one layer that speaks to PostgreSQL. It knows no resource, no engine and no AWS.

#[allow(dead_code, unused_imports)] // The resource that connects is written beside it.
pub(crate) mod via;
