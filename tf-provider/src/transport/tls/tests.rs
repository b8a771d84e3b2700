#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rustls::{
    ClientConfig,
    client::{ResolvesClientCert, danger},
    crypto::CryptoProvider,
    pki_types::ServerName,
    sign::CertifiedKey,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

/// A key and certificate as Terraform makes them: P-521, self-signed, a CA.
fn terraforms() -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    (parameters.self_signed(&key).unwrap(), key)
}

/// go-plugin's client trusts exactly the certificate of the handshake line.
#[derive(Debug)]
struct Trusts(Vec<u8>, Arc<CryptoProvider>);

impl danger::ServerCertVerifier for Trusts {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<danger::ServerCertVerified, Error> {
        assert_eq!(name.to_str(), "localhost");
        assert_eq!(end_entity.as_ref(), self.0);
        Ok(danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, d, &self.1.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, d, &self.1.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

/// Shows a certificate and signs with a key, whether or not the two belong together.
#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// Connects with a certificate and key to a server that expects `expected`; what the server thinks of it.
async fn connect(expected: &rcgen::Certificate, shown: Option<(&rcgen::Certificate, &rcgen::KeyPair)>) -> Result<Vec<u8>, String> {
    let server = AutoMtls::new(&expected.pem()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let shown = shown.map(|(certificate, key)| {
        let key = provider.key_provider.load_private_key(PrivateKeyDer::Pkcs8(key.serialize_der().into())).unwrap();
        Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key))
    });
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusts(server.certificate.clone(), provider)))
        .with_client_cert_resolver(Arc::new(Shows(shown)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (near, far) = duplex(1 << 16);
    let client = async {
        let mut stream = TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), near).await?;
        stream.write_all(b"hello").await?;
        let mut end = Vec::new();
        stream.read_to_end(&mut end).await.map(|_| ())
    };
    let serving = async {
        let mut stream = TlsAcceptor::from(server.config).accept(far).await.map_err(|error| error.to_string())?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let mut heard = vec![0; 5];
        stream.read_exact(&mut heard).await.map_err(|error| error.to_string())?;
        stream.shutdown().await.map_err(|error| error.to_string())?;
        Ok(heard)
    };
    let (_, heard) = tokio::join!(client, serving);
    heard
}

#[tokio::test]
async fn terraforms_certificate_is_accepted() {
    let (certificate, key) = terraforms();
    assert_eq!(connect(&certificate, Some((&certificate, &key))).await, Ok(b"hello".to_vec()));
}

#[tokio::test]
async fn a_strangers_certificate_is_refused() {
    let ((expected, _), (stranger, key)) = (terraforms(), terraforms());
    let refused = connect(&expected, Some((&stranger, &key))).await.unwrap_err();
    assert!(refused.contains("ApplicationVerificationFailure"), "{refused}");
}

#[tokio::test]
async fn no_certificate_is_refused() {
    let refused = connect(&terraforms().0, None).await.unwrap_err();
    assert!(refused.contains("peer sent no certificates"), "{refused}");
}

/// The certificate is no secret: it stands in the environment of the provider. Its key is what counts.
#[tokio::test]
async fn the_right_certificate_without_its_key_is_refused() {
    let ((expected, _), (_, other)) = (terraforms(), terraforms());
    let refused = connect(&expected, Some((&expected, &other))).await.unwrap_err();
    assert!(refused.contains("BadSignature"), "{refused}");
}

#[test]
fn what_is_no_certificate_is_said_to_be_none() {
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"] {
        let error = AutoMtls::new(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("PLUGIN_CLIENT_CERT"), "{error}");
    }
}
