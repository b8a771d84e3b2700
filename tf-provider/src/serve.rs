//! The one entry of a provider's `main`.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tonic::transport::Server;

use crate::{
    Provider, log,
    operations::Operations,
    rpc,
    transport::{
        AutoMtls, Broker, Clients, Controller, Invitation, Lifetime, Listener, MESSAGE_BYTES_MAX, Signals, Stdio, TransportError,
        WINDOW_BYTES, accept_loop, handshake_line, reattach_line,
    },
    wire::{
        go_plugin::{
            grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer, grpc_stdio_server::GrpcStdioServer,
        },
        tfplugin6::provider_server::ProviderServer,
    },
};

/// Threads that run requests. These wait for a network nearly always; more would only cost memory.
const WORKER_THREADS: usize = 2;

/// Who this process is.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// The binary's name, e.g. `terraform-provider-deeploy`.
    pub name: &'static str,
    /// Its version, e.g. `1.2.3`.
    pub version: &'static str,
    /// Its source address in `required_providers`, e.g. `deeploy-ml/deeploy`.
    pub registry_source: &'static str,
}

/// Serves a provider to the Terraform CLI that started this process, until that ends it. A person who starts it by hand is told
/// what it is; with `--debug` it waits for a CLI to attach.
///
/// Nothing but the handshake is ever written to stdout: a provider must not print.
#[must_use]
#[allow(clippy::print_stderr, reason = "these are the texts for people; a CLI shows them as they are")]
pub fn serve(provider: impl Provider, options: ServeOptions) -> ExitCode {
    log::start(provider.name());
    log::install_hook();
    let variable = |name: &str| env::var(name).ok();
    let attached = match env::args().nth(1).as_deref() {
        Some("--debug" | "-debug") => true,
        Some("--version" | "-version") => {
            eprintln!("{} {}", options.name, options.version);
            return ExitCode::SUCCESS;
        }
        _ => false,
    };
    let invitation = if attached { Ok(Invitation::reattach(variable)) } else { Invitation::from_client(variable) };
    let invitation = match invitation {
        Ok(invitation) => invitation,
        Err(refusal) => {
            eprintln!("{}", refusal.text(options.name, options.version, options.registry_source));
            return ExitCode::FAILURE;
        }
    };
    run(Arc::new(provider), options, &invitation, attached).unwrap_or_else(|error| {
        eprintln!("{} {}: {error}", options.name, options.version);
        ExitCode::FAILURE
    })
}

fn run(provider: Arc<dyn Provider>, options: ServeOptions, invitation: &Invitation, attached: bool) -> Result<ExitCode, TransportError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("provider")
        .enable_all()
        .build()
        .map_err(TransportError::Runtime)?;
    let code = runtime.block_on(serve_until_end(provider, options, invitation, attached));
    // Connections and streams are still open, and stay so until the client goes: don't wait for them.
    runtime.shutdown_background();
    code
}

async fn serve_until_end(
    provider: Arc<dyn Provider>,
    options: ServeOptions,
    invitation: &Invitation,
    attached: bool,
) -> Result<ExitCode, TransportError> {
    let signals = Signals::watch()?;
    let tls = invitation.client_certificate.as_deref().map(AutoMtls::new).transpose()?;
    let listener = Arc::new(Listener::bind(invitation).await?);
    let (network, address) = (listener.network(), listener.address());
    let clients = Clients::default();
    let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls.config.clone()));
    let (connections, accepting) = accept_loop(listener.clone(), acceptor, clients.clone());
    let operations = Arc::new(Operations::default());
    let (shutdown, asked) = watch::channel(false);
    let provider = ProviderServer::new(rpc::Server::new(provider, operations.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let serving = Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .add_service(provider)
        .add_service(GrpcControllerServer::new(Controller(shutdown)))
        .add_service(GrpcStdioServer::new(Stdio))
        .add_service(GrpcBrokerServer::new(Broker))
        .serve_with_incoming(connections);

    if attached {
        let line = reattach_line(options.registry_source, network, &address, std::process::id());
        announce(&format!(
            "{} {} waits for Terraform. Export this in the shell that runs it, and press Ctrl-C here to end:\n\n\t{line}\n",
            options.name, options.version
        ))?;
    } else {
        announce(&handshake_line(network, &address, tls.as_ref().map(|tls| tls.certificate.as_slice()), invitation.multiplex))?;
    }

    let lifetime = Lifetime { clients, shutdown: asked, attached };
    let end = tokio::select! {
        end = lifetime.ends(&operations, signals) => end,
        () = accepting => return Ok(ExitCode::FAILURE),
        outcome = serving => {
            if let Err(error) = outcome {
                log::error("the gRPC server failed", &[("error", &error)]);
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(end.exit_code())
}

/// The only thing ever written to stdout.
fn announce(text: &str) -> Result<(), TransportError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(TransportError::Announce)
}
