//! Parts of an environment, each with its attributes and its components. A part is a resource of its own (its attributes at the root)
//! and a nested attribute of `deeploy_environment`: the same code makes both.
pub(crate) mod database;
