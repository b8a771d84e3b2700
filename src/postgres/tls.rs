//! TLS as libpq's `verify-full`: the certificate is checked against given roots, and so is the name in it.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls_improved::MakeRustlsConnect;

use super::{PgError, roots::RDS_ROOTS};

/// Who may have signed the server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The authorities of RDS.
    #[default]
    Rds,
    /// Those of a PEM text, and no others.
    Pem(String),
}

/// Makes the connector. Errors: the PEM text holds no readable certificate.
pub(crate) fn connector(roots: &Roots) -> Result<MakeRustlsConnect, PgError> {
    static RDS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    let store = match roots {
        Roots::Rds => RDS.get_or_init(|| store(RDS_ROOTS)).clone(),
        Roots::Pem(text) => store(text),
    };
    let store = store.map_err(|cause| PgError::Untrusted(format!("the certificate authorities can't be used: {cause}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PgError::Untrusted(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Reads a PEM text of certificates. Errors say which one is wrong.
pub(crate) fn store(pem: &str) -> Result<Arc<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let at = store.len() + 1;
        let certificate = certificate.map_err(|error| format!("certificate {at} is no PEM ({error})"))?;
        store.add(certificate).map_err(|error| format!("certificate {at} can't be read ({error})"))?;
    }
    if store.is_empty() { Err("the text holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()) } else { Ok(Arc::new(store)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_rds_are_built_in() {
        let store = store(RDS_ROOTS);
        assert!(store.as_ref().is_ok_and(|store| store.len() > 80), "{store:?}");
        assert!(connector(&Roots::Rds).is_ok());
    }

    #[test]
    fn a_text_without_certificates_is_refused() {
        assert!(connector(&Roots::Pem("nothing".to_owned())).is_err());
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(connector(&Roots::Pem(broken.to_owned())).is_err_and(|error| error.to_string().contains("certificate 1")));
    }
}
