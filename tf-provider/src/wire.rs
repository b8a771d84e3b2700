//! The generated wire contract (`proto/`).
#![allow(dead_code, missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic, reason = "generated code")]

/// Terraform's plugin protocol, 6.10.
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// What go-plugin, the library under Terraform's CLI, needs besides.
pub mod go_plugin {
    tonic::include_proto!("plugin");
}
