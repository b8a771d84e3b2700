//! Names of roles and users. IAM has one list of them for all regions of an account, while everything else of a resource is of one region: so that
//! two resources of one name in two regions never take each other's, the region is in the name.

use sha2::{Digest, Sha256};

use crate::policies::Place;

/// IAM's longest name of a role or user.
const LENGTH_MAX: usize = 64;

/// `NAME-REGION-ENDING`; what is longer than IAM takes is cut before the ending and keeps apart by a hash.
pub(super) fn iam_name(name: &str, ending: &str, place: &Place) -> String {
    let start = format!("{name}-{}", place.region);
    let whole = format!("{start}-{ending}");
    if whole.len() <= LENGTH_MAX {
        return whole;
    }
    let hash: String = Sha256::digest(start.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let room = LENGTH_MAX.saturating_sub(ending.len() + hash.len() + 2);
    let kept: String = start.chars().take(room).collect();
    format!("{}-{hash}-{ending}", kept.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::frankfurt;

    #[test]
    fn each_region_of_an_account_has_names_of_its_own() {
        let ireland = Place { region: "eu-west-1".to_owned(), ..frankfurt() };
        assert_eq!(iam_name("prod", "deeploy", &frankfurt()), "prod-eu-central-1-deeploy");
        assert_eq!(iam_name("prod", "deeploy", &ireland), "prod-eu-west-1-deeploy");
        let long = "x".repeat(80);
        assert_ne!(iam_name(&long, "deeploy", &frankfurt()), iam_name(&long, "deeploy", &ireland));
    }

    #[test]
    fn names_that_are_too_long_keep_apart() {
        let (one, other) = (format!("{}-a", "x".repeat(60)), format!("{}-b", "x".repeat(60)));
        let names = [&one, &other].map(|name| iam_name(name, "flow-logs", &frankfurt()));
        assert!(names.iter().all(|name| name.len() == 64 && name.ends_with("-flow-logs")), "{names:?}");
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn an_environments_names_are_never_cut() {
        let longest = Place { region: "us-isof-south-1".to_owned(), ..frankfurt() };
        let name = "x".repeat(crate::resources::checks::ENVIRONMENT_NAME_MAX);
        assert_eq!(iam_name(&name, "rds-monitoring", &longest), format!("{name}-us-isof-south-1-rds-monitoring"));
    }
}
