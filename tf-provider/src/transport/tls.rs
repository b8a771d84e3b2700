//! AutoMTLS: each side makes a certificate for this one run, and each accepts only the other's.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use time::{Duration, OffsetDateTime};

use super::TransportError;

/// The clocks of two processes of one machine agree; this is for a clock that is set back while Terraform runs.
const BACKDATED: Duration = Duration::minutes(5);
/// Longer than any run of Terraform.
const LIFETIME: Duration = Duration::days(365);

/// Our side of the channel.
pub(crate) struct AutoMtls {
    /// Accepts only the client's certificate.
    pub(crate) config: Arc<ServerConfig>,
    /// Our certificate, DER: goes into the handshake line.
    pub(crate) certificate: Vec<u8>,
}

impl AutoMtls {
    /// A fresh key and certificate for a client that showed its certificate as PEM.
    pub(crate) fn new(client_certificate: &str) -> Result<Self, TransportError> {
        let pinned = CertificateDer::from_pem_slice(client_certificate.as_bytes()).map_err(TransportError::ClientCertificate)?.into_owned();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (certificate, key) = server_certificate()?;
        let verifier = Arc::new(Pinned { certificate: pinned, algorithms: provider.signature_verification_algorithms });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.clone()], key)?;
        // grpc-go refuses a server that doesn't choose HTTP/2 by ALPN.
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), certificate: certificate.to_vec() })
    }
}

fn server_certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), TransportError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    // go-plugin's client asks for the name `localhost`, and puts this certificate into its roots: so it must be a CA as well.
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::KeyCertSign];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let now = OffsetDateTime::now_utc();
    parameters.not_before = now - BACKDATED;
    parameters.not_after = now + LIFETIME;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
}

/// Accepts one certificate, byte for byte. Terraform's is a self-signed P-521 CA used as an end entity, which the usual
/// verifier refuses; that its holder has the key is still proven by the handshake's signature.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
