//! The authorities that sign the certificates of RDS's instances, built in: nothing is downloaded, and nothing else is trusted.
//!
//! `tools/rds_roots.py` makes the bundle. Its source has the 27 regions of AWS's main partition that were there in 2024, each with the roots
//! of `rds-ca-rsa2048-g1`, `rds-ca-rsa4096-g1` and `rds-ca-ecc384-g1`. It lacks the regions that are newer (Tel Aviv, Calgary, Malaysia,
//! Thailand, Mexico, Taipei), GovCloud and China: there `ca_certificate` must be given.

/// The roots, PEM, one after the other with comments between them.
pub(super) const RDS_ROOTS: &str = include_str!("rds-global-bundle.pem");

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    };

    use super::*;

    /// The day on which the bundle was last made.
    const PINNED_DAY: &str = "2026-11-28";

    fn contains(der: &[u8], text: &str) -> bool {
        der.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Name and last day, as the bundle's comments have them, in order.
    fn told() -> Vec<(&'static str, &'static str)> {
        RDS_ROOTS.lines().filter_map(|line| line.strip_prefix("# Amazon RDS ")?.split_once(", until ")).collect()
    }

    #[test]
    fn every_root_is_read_and_is_what_its_comment_says() {
        let roots: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(RDS_ROOTS.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(roots.len(), told().len());
        let mut store = RootCertStore::empty();
        for (root, (name, until)) in roots.iter().zip(told()) {
            store.add(root.clone()).unwrap();
            assert!(contains(root, &format!("Amazon RDS {name}")), "{name}");
            // GeneralizedTime from 2050 on.
            assert!(until > "2050" && contains(root, &until.replace('-', "")), "{name} until {until}");
            assert!(until > PINNED_DAY, "{name} has expired on {until}");
        }
    }

    #[test]
    fn each_region_has_its_three_roots() {
        let names: Vec<&str> = told().into_iter().map(|(name, _)| name).collect();
        for region in ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2", "me-central-1"] {
            assert!(names.iter().any(|name| name.starts_with(region)), "{region}");
        }
        assert_eq!(names.len(), 81);
        for name in &names {
            let region = name.split(' ').next().unwrap();
            for kind in ["RSA2048", "RSA4096", "ECC384"] {
                assert!(names.contains(&format!("{region} Root CA {kind} G1").as_str()), "{region} {kind}");
            }
        }
        assert!(names.iter().all(|name| !name.contains("Beta") && !name.contains("Preview")), "{names:?}");
    }
}
