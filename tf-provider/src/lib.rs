//! The Terraform plugin protocol (tfplugin6), for providers written in Rust. It knows no resource and no cloud.

// So that the derive's paths hold in this crate too.
extern crate self as tf_provider;

pub mod codec;
mod diagnostic;
mod model;
mod model_types;
mod number;
mod path;
mod provider;
mod schema;
mod stop;
mod timeouts;
mod types;
pub mod validators;
mod value;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, has_errors};
pub use model::{Attr, Model, ObjectReader, Set, TfType};
pub use number::{NUMBER_DIGITS_MAX, Number, NumberError};
pub use path::{Path, Step};
pub use provider::{
    ApplyRequest, ApplyResponse, Capabilities, ConfigureRequest, DataSource, Function, FunctionError, IdentityAttribute, IdentitySchema,
    ImportRequest, ImportResponse, MoveSource, ORPHANED_APPLY_MAX, Parameter, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Resource, Signature,
};
pub use schema::{Attribute, AttributeType, Mode, Nesting, Schema, Validator};
pub use stop::{Stop, StopSource};
pub use tf_provider_derive::Model;
pub use timeouts::{DurationError, Operation, TIMEOUT_MAX, Timeouts, parse_duration};
pub use types::{TYPE_DEPTH_MAX, Type, TypeError};
pub use value::Value;
