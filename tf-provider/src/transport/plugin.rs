//! go-plugin's own services: they carry nothing here but the wish to end.

use std::pin::Pin;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::wire::go_plugin::{
    ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker, grpc_controller_server::GrpcController, grpc_stdio_server::GrpcStdio,
};

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Hears Terraform's wish that the process ends.
pub(crate) struct Controller(pub(crate) watch::Sender<bool>);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.send_replace(true);
        Ok(Response::new(Empty {}))
    }
}

/// Nothing is printed after the handshake, so nothing is streamed; but the client holds the stream open until the end.
pub(crate) struct Stdio;

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Replies<StdioData>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::pending())))
    }
}

/// Terraform opens this stream and brokers nothing over it: it is held until the client closes its side.
pub(crate) struct Broker;

#[tonic::async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Replies<ConnInfo>;

    async fn start_stream(&self, request: Request<Streaming<ConnInfo>>) -> Result<Response<Self::StartStreamStream>, Status> {
        let nothing = request.into_inner().filter_map(|_| async { None });
        Ok(Response::new(Box::pin(nothing)))
    }
}
