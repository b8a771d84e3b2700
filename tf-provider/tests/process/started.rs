//! Starts the probe provider as go-plugin's client does.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
};

/// For whatever another process must do first; generous, since machines that run tests are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The probe provider's binary, built by the profile of these tests. (`cargo test --test process` alone doesn't build examples: what
/// lies in the folder may be of yesterday.)
pub(crate) fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().and_then(|deps| deps.parent()).unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => "dev",
            other => other,
        };
        let arguments = ["build", "--quiet", "--package", "tf-provider", "--example", "probe_provider", "--profile", profile];
        assert!(Command::new(env!("CARGO")).args(arguments).status().unwrap().success(), "the probe provider doesn't build");
        folder.join("examples/probe_provider")
    };
    BUILT.get_or_init(build).clone()
}

/// A key and certificate of a client.
pub(crate) struct Identity {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: rcgen::KeyPair,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self { certificate: parameters.self_signed(&key).unwrap(), key }
    }
}

/// The command as Terraform runs it, in a folder for its socket.
pub(crate) fn invitation(client: &Identity, folder: &std::path::Path) -> Command {
    let mut command = Command::new(binary());
    command
        .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_CLIENT_CERT", client.certificate.pem())
        .env("PLUGIN_UNIX_SOCKET_DIR", folder)
        .env_remove("TF_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A provider that has answered the handshake. Killed when dropped.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) out: BufReader<ChildStdout>,
    pub(crate) line: String,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) client: Identity,
}

impl Started {
    pub(crate) fn new() -> Self {
        let (client, folder) = (Identity::new(), tempfile::tempdir().unwrap());
        let mut child = invitation(&client, folder.path()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        Self { child, out, line, folder, client }
    }

    pub(crate) fn fields(&self) -> Vec<&str> {
        self.line.trim_end().split('|').collect()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(self.fields()[3])
    }

    pub(crate) fn socket_mode(&self) -> u32 {
        self.socket().metadata().unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// A TLS connection, proven by one byte that each side has sent.
    pub(crate) fn connect(&self, shown: Option<&Identity>) -> Result<StreamOwned<ClientConnection, UnixStream>, std::io::Error> {
        use std::io::Read as _;
        let mut socket = UnixStream::connect(self.socket())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut tls = ClientConnection::new(Arc::new(client_config(shown)), "localhost".try_into().unwrap()).unwrap();
        tls.complete_io(&mut socket)?;
        let mut stream = StreamOwned::new(tls, socket);
        // An HTTP/2 server speaks first (SETTINGS); one that refuses the certificate says so instead.
        stream.read_exact(&mut [0; 9])?;
        Ok(stream)
    }

    /// Waits for the process to end by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the provider ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again: nothing tells a test what another process has done.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    const LOOK_AGAIN: Duration = Duration::from_millis(10);
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::park_timeout(LOOK_AGAIN);
    }
}

fn client_config(shown: Option<&Identity>) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::Pkcs8(shown.key.serialize_der().into());
            builder.with_client_auth_cert(vec![shown.certificate.der().clone()], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// What the server shows is looked at in the crate's own tests.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
