//! ReadDataSource.

use super::{Reply, Server, convert};
use crate::{Diagnostics, Value, lifecycle, log, wire::tfplugin6 as pb};

pub(super) async fn read(server: &Server, request: pb::read_data_source::Request) -> pb::read_data_source::Response {
    let outcome: Result<_, Diagnostics> = async {
        let entry = server.catalog().data_source(&request.type_name)?;
        let config = convert::value(request.config.as_ref(), &entry.typed.ty)?;
        let attributes = &entry.typed.schema.attributes;
        log::mask_value(attributes, &config);
        let (found, mut diagnostics) = entry.data_source.read(config, server.operations.token()).await;
        log::mask_value(attributes, &found);
        let checked = lifecycle::read::check(&entry.typed.schema, &entry.typed.ty, found, &Value::Null, &mut diagnostics);
        let state = convert::dynamic(&checked, &entry.typed.ty)?;
        Ok((state, diagnostics))
    }
    .await;
    match outcome {
        Ok((state, diagnostics)) => pb::read_data_source::Response {
            state: Some(state),
            diagnostics: convert::diagnostics(&diagnostics),
            ..pb::read_data_source::Response::default()
        },
        Err(diagnostics) => Reply::refusal(convert::diagnostics(&diagnostics)),
    }
}
