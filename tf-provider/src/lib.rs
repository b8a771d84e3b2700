//! The Terraform plugin protocol (tfplugin6), for providers written in Rust. It knows no resource and no cloud.
//!
//! # Models
//!
//! A struct with doc comments and `#[derive(Model)]` is the one place that the schema, its descriptions, defaults, validators and
//! the conversions come from; the attributes in `#[tf(…)]` are listed at [the derive](macro@Model), the types of fields at [`TfType`].
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use tf_provider::{Attr, Model, Path, Schema, Timeouts, Value, has_errors, validators};
//!
//! /// A disk.
//! #[derive(Clone, Debug, Default, PartialEq, Model)]
//! struct Disk {
//!     /// Where it is, e.g. `eu-1a`; it can't be moved.
//!     #[tf(required, replace, validate(validators::matches("[a-z]+-[0-9][a-z]", "a zone, e.g. `eu-1a`")))]
//!     zone: Attr<String>,
//!     /// How large it is, in GiB.
//!     #[tf(optional, computed, default = 10, validate(validators::integer_between(1, 16_384)), note(change = "live"))]
//!     size_gib: Attr<i64>,
//!     /// The key's password. Change `password_wo_version` to send a new one.
//!     #[tf(optional, sensitive, write_only)]
//!     password_wo: Attr<String>,
//!     /// Any number; a change of it sends `password_wo` again.
//!     #[tf(optional)]
//!     password_wo_version: Attr<i64>,
//!     /// Copies, by name.
//!     #[tf(optional)]
//!     snapshots: Attr<BTreeMap<String, Attr<Snapshot>>>,
//!     /// How long operations may take.
//!     #[tf(optional)]
//!     timeouts: Attr<Timeouts>,
//!     /// The cloud's id.
//!     #[tf(computed)]
//!     id: Attr<String>,
//! }
//!
//! /// A copy of a disk.
//! #[derive(Clone, Debug, Default, PartialEq, Model)]
//! struct Snapshot {
//!     /// How long it is kept, in days.
//!     #[tf(required)]
//!     days: Attr<i64>,
//! }
//!
//! let schema = Schema::of::<Disk>(0);
//! assert_eq!(schema.check(), Vec::<String>::new(), "a unit test of every provider");
//!
//! // validate: every mistake at its place; unknown values pass.
//! let config = |days: Value| {
//!     let snapshot = Value::object([("days", days)]);
//!     Value::object([("zone", "eu-1a".into()), ("id", Value::Null), ("snapshots", Value::object([("daily", snapshot)]))])
//! };
//! assert!(!has_errors(&schema.validate(&config(Value::Unknown))));
//! let found = schema.validate(&config(Value::Null));
//! assert_eq!(found[0].path.to_string(), r#"snapshots["daily"].days"#);
//!
//! // plan: values become a struct and go back.
//! let mut disk = Disk::from_value(&schema.apply_defaults(&config(7.into())), &Path::root()).unwrap();
//! assert_eq!(disk.size_gib, Attr::Known(10));
//! disk.id = Attr::Unknown;
//! assert_eq!(disk.to_value().get("id"), &Value::Unknown);
//! ```

// So that the derive's paths hold in this crate too.
extern crate self as tf_provider;

pub mod codec;
mod diagnostic;
mod ephemeral;
mod lifecycle;
pub mod log;
mod model;
mod model_types;
mod number;
mod operations;
mod path;
mod provider;
mod rpc;
mod schema;
mod serve;
mod stop;
pub mod testing;
mod timeouts;
mod transport;
mod types;
pub mod validators;
mod value;
mod wire;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, has_errors};
pub use ephemeral::{EphemeralResource, OpenRequest, OpenResponse, RenewRequest, RenewResponse};
pub use model::{Attr, Model, ObjectReader, Set, TfType};
pub use number::{NUMBER_DIGITS_MAX, Number, NumberError};
pub use path::{Path, Step};
pub use provider::{
    ApplyRequest, ApplyResponse, Capabilities, ConfigureRequest, DataSource, Function, FunctionError, IdentityAttribute, IdentitySchema,
    ImportRequest, ImportResponse, MoveSource, ORPHANED_APPLY_MAX, Parameter, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Resource, Signature,
};
pub use schema::{Attribute, AttributeType, Mode, Nesting, Schema, Validator};
pub use serve::{ServeOptions, serve};
pub use stop::{Stop, StopSource};
pub use tf_provider_derive::Model;
pub use timeouts::{DurationError, Operation, TIMEOUT_MAX, Timeouts, parse_duration};
pub use types::{TYPE_DEPTH_MAX, Type, TypeError};
pub use value::Value;
