//! The Terraform plugin protocol (tfplugin6), for providers written in Rust. It knows no resource and no cloud.

pub mod codec;
mod diagnostic;
mod lifecycle;
pub mod log;
mod model;
mod number;
mod operations;
mod path;
mod provider;
mod rpc;
mod schema;
mod serve;
mod stop;
mod transport;
mod types;
mod value;
mod wire;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, has_errors};
pub use model::{Attr, Model, TfType};
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
pub use types::{TYPE_DEPTH_MAX, Type, TypeError};
pub use value::Value;
