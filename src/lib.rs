//! terraform-provider-deeploy: installs what Deeploy needs on AWS. docs/ARCHITECTURE.md is the map.

pub mod aws;
pub mod components;
mod ephemeral;
pub mod graph;
pub mod policies;
mod postgres;
pub mod presets;
pub mod provider;
mod resources;
