//! Values on the wire. Both codecs are guided by a type, and every error says where it is about.
//!
//! msgpack is what requests and replies carry; JSON is what Terraform keeps its states in, and comes only with
//! `UpgradeResourceState` and `MoveResourceState`. The two write `dynamic` values in different ways and are never mixed.

pub mod json;
pub mod msgpack;

use crate::{Diagnostic, NumberError, Path, Step, Type, TypeError};

/// Deepest nesting of a value in msgpack, in levels: a message that nests deeper is refused before the stack is in danger.
/// JSON is bound by serde_json's own limit, 128.
pub const VALUE_DEPTH_MAX: usize = 256;

/// Why a value can't be read or written. No text of it holds any part of the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(.path))]
pub struct CodecError {
    /// Where. Elements of sets have no place of their own: it ends at the set.
    pub path: Path,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Another type.
    #[error("{expected} required, but this is {found}")]
    Kind {
        /// What the schema says.
        expected: String,
        /// What stands there.
        found: &'static str,
    },
    /// A number that can't be kept.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A type constraint that can't be read.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// The message ends within the value.
    #[error("the message ends in the middle of a value")]
    Truncated,
    /// The message goes on after the value.
    #[error("the message goes on after the value's end")]
    Trailing,
    /// Text that isn't UTF-8.
    #[error("this string is not valid UTF-8")]
    Utf8,
    /// Not JSON.
    #[error("this is not valid JSON (line {line}, column {column})")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Nested too deep.
    #[error("values may be nested at most {VALUE_DEPTH_MAX} levels deep")]
    TooDeep,
    /// More than the format can say, 2^32 - 1 elements or bytes.
    #[error("this value is too large")]
    TooLarge,
    /// A key that is no string.
    #[error("all keys must be strings")]
    Key,
    /// An attribute that the schema doesn't have.
    #[error("unsupported attribute {0:?}")]
    Surplus(String),
    /// An attribute that must be there.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// A tuple of another length.
    #[error("a tuple of {expected} elements is required, not {found}")]
    TupleLength {
        /// What the type says.
        expected: usize,
        /// What stands there.
        found: usize,
    },
    /// A `dynamic` value of another form than `[type, value]` or `{"type", "value"}`.
    #[error("a dynamic value must consist of its type and its value")]
    Dynamic,
    /// An unknown with more about it than 1 KiB, which is Terraform's own bound.
    #[error("the refinements of an unknown value are longer than 1024 bytes")]
    Refinements,
    /// Unknown where JSON has no form for it.
    #[error("this value is unknown, which a state can't hold")]
    Unknown,
}

impl Problem {
    fn kind(expected: &Type, found: &'static str) -> Self {
        Self::Kind { expected: format!("{} {expected}", article(expected)), found }
    }
}

fn article(ty: &Type) -> &'static str {
    if matches!(ty, Type::Object(_)) { "an" } else { "a" }
}

fn place(path: &Path) -> String {
    if path.0.is_empty() { String::new() } else { format!("{path}: ") }
}

impl From<Problem> for CodecError {
    fn from(problem: Problem) -> Self {
        Self { path: Path::root(), problem }
    }
}

impl CodecError {
    /// The same error, one step further out. Paths are made only when something is wrong: values may have millions of elements.
    fn within(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

impl From<CodecError> for Diagnostic {
    fn from(error: CodecError) -> Self {
        let detail = format!(
            "Terraform and this provider disagree about the value: {}. This is a bug in the provider, or Terraform uses another release of \
             it than it planned with. Run `terraform init` and plan again; report it if it stays.",
            error.problem
        );
        Self::error(error.path, "A value doesn't fit the schema", detail)
    }
}
