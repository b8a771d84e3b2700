//! Validators of a cluster's attributes.

use std::{net::Ipv4Addr, sync::Arc};

use tf_provider::{Validator, Value};

use crate::{
    aws::Arn,
    components::minor,
    resources::checks::{Problem, each, is_principal, problem, said, text},
};

/// EKS's longest name of a cluster.
const CLUSTER_NAME_MAX: usize = 100;
/// EKS's longest name of a node group, less the nine characters that the provider adds.
const GROUP_NAME_MAX: usize = 54;
/// Whose labels EKS refuses on nodes.
const RESERVED_LABELS: [&str; 3] = ["kubernetes.io/", "k8s.io/", "eks.amazonaws.com/"];
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
/// Days that CloudWatch Logs takes (PutRetentionPolicy).
const RETENTIONS: [i64; 22] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A role or user, or a session of a role, which stands for the role.
fn principal(text: &str) -> Problem {
    match Arn::parse(text) {
        Ok(arn) if matches!(arn.service.as_str(), "iam" | "sts") && is_principal(&arn.resource) && arn.resource != "root" => None,
        Ok(arn) if arn.resource == "root" => {
            problem("An account's root is no principal of EKS", "Name the roles or users themselves: EKS takes no account as a whole.")
        }
        _ => problem("Not a principal", format!("{text:?} is not the ARN of an IAM role or user.")),
    }
}

/// ARN of a role or user.
pub(crate) fn iam_principal() -> Validator {
    text(principal)
}

/// ARNs of roles or users.
pub(crate) fn iam_principals() -> Validator {
    each(principal)
}

/// `1.33`, without a patch.
pub(crate) fn kubernetes_version() -> Validator {
    text(|version| match minor(version) {
        Some((major, number)) if version == format!("{major}.{number}") => None,
        _ => problem("Not a Kubernetes version", format!("{version:?} is not like \"1.33\": major and minor, without a patch.")),
    })
}

/// IPv4 ranges.
pub(crate) fn cidrs() -> Validator {
    each(unfit_range)
}

fn range_of(range: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = range.split_once('/')?;
    Some((address.parse().ok()?, bits.parse().ok().filter(|bits| *bits <= 32)?))
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

fn unfit_range(range: &str) -> Problem {
    let Some((address, bits)) = range_of(range) else {
        return problem("Not an IPv4 range", format!("{range:?} is not like \"192.0.2.0/24\"."));
    };
    let network = Ipv4Addr::from(u32::from(address) & mask(bits));
    match network == address {
        true => None,
        false => problem("Not the beginning of a range", format!("{range:?} names {network}/{bits}: write it so.")),
    }
}

/// Ranges that no packet of the internet comes from (RFC 6890): EKS takes none of them for its public endpoint.
const RESERVED: [(Ipv4Addr, u32); 7] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// IPv4 ranges of the internet.
pub(crate) fn public_cidrs() -> Validator {
    each(|range| {
        let reserved = range_of(range).is_some_and(|(address, bits)| {
            RESERVED.iter().any(|(of, their)| bits >= *their && u32::from(address) & mask(*their) == u32::from(*of))
        });
        match unfit_range(range) {
            None if reserved => problem(
                "Not a range of the internet",
                format!(
                    "Nothing in {range:?} comes from the internet, and EKS refuses it. Name the public addresses that your network has outside; what reaches the \
                     API through the VPC belongs into private_access_cidrs."
                ),
            ),
            other => other,
        }
    })
}

/// A cluster's name.
pub(crate) fn cluster_name() -> Validator {
    text(|name| match is_name(name, CLUSTER_NAME_MAX) {
        true => None,
        false => problem(
            "Not a cluster's name",
            format!("{name:?}: 1 to {CLUSTER_NAME_MAX} letters, digits, `-` and `_`, with a letter or digit at the beginning."),
        ),
    })
}

fn is_name(name: &str, max: usize) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= max && name.bytes().all(legal) && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Keys of `node_groups`, of which there must be one.
pub(crate) fn node_group_names() -> Validator {
    Arc::new(|value, path| {
        let Some(groups) = value.as_map() else { return Vec::new() };
        if groups.is_empty() {
            return said(path, problem("No node group", "Deeploy needs nodes. Leave `node_groups` out for the default group."));
        }
        let check = |name: &String| match is_name(name, GROUP_NAME_MAX) {
            true => None,
            false => problem(
                "Not a node group's name",
                format!("{name:?}: 1 to {GROUP_NAME_MAX} letters, digits, `-` and `_`, with a letter or digit at the beginning."),
            ),
        };
        groups.keys().flat_map(|name| said(&path.key(name), check(name))).collect()
    })
}

/// Labels that EKS takes.
pub(crate) fn node_labels() -> Validator {
    Arc::new(|value, path| {
        let Some(labels) = value.as_map() else { return Vec::new() };
        let reserved =
            |name: &String| RESERVED_LABELS.iter().any(|prefix| name.starts_with(prefix) || name.contains(&format!(".{prefix}")));
        let check = |name: &String| match reserved(name) {
            true => problem(
                "A reserved label",
                format!("{name:?}: EKS refuses labels of Kubernetes and of its own on node groups. Choose another prefix."),
            ),
            false => None,
        };
        labels.keys().flat_map(|name| said(&path.key(name), check(name))).collect()
    })
}

/// Types of control plane logs.
pub(crate) fn log_types() -> Validator {
    each(|kind| match LOG_TYPES.contains(&kind) {
        true => None,
        false => problem("Unknown type of log", format!("{kind:?} is none of {}.", LOG_TYPES.join(", "))),
    })
}

/// Days that CloudWatch Logs can keep something.
pub(crate) fn retention() -> Validator {
    Arc::new(|value, path| match value {
        Value::Number(days) if !days.as_i64().is_some_and(|days| RETENTIONS.contains(&days)) => {
            let all: Vec<String> = RETENTIONS.iter().map(ToString::to_string).collect();
            said(
                path,
                problem("Not a retention", format!("CloudWatch Logs keeps logs for one of these numbers of days: {}.", all.join(", "))),
            )
        }
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use tf_provider::Path;

    use super::*;

    fn good(validator: &Validator, value: impl Into<Value>) -> bool {
        validator(&value.into(), &Path::of("it")).is_empty()
    }

    fn one(text: &str) -> Value {
        Value::List(vec![text.into()])
    }

    #[test]
    fn principals_versions_and_names() {
        for (arn, fine) in [
            ("arn:aws:iam::123456789012:role/admins/platform-admin", true),
            ("arn:aws:sts::123456789012:assumed-role/admin/me", true),
            ("arn:aws:iam::123456789012:user/me", true),
            ("arn:aws:iam::123456789012:root", false),
            ("arn:aws:iam::123456789012:group/x", false),
            ("me", false),
        ] {
            assert_eq!((good(&iam_principal(), arn), good(&iam_principals(), one(arn))), (fine, fine), "{arn}");
        }
        for (version, fine) in [("1.33", true), ("1.33.1", false), ("v1.33", false), ("latest", false)] {
            assert_eq!(good(&kubernetes_version(), version), fine, "{version}");
        }
        for (name, fine) in [("deeploy-prod", true), ("-x", false), ("a.b", false), ("", false)] {
            assert_eq!(good(&cluster_name(), name), fine, "{name}");
        }
    }

    #[test]
    fn ranges_begin_at_their_network() {
        for (range, fine) in
            [("192.0.2.0/24", true), ("192.0.2.1/24", false), ("192.0.2.1/32", true), ("0.0.0.0/0", true), ("::/0", false), ("x", false)]
        {
            assert_eq!(good(&cidrs(), one(range)), fine, "{range}");
            assert_eq!(good(&public_cidrs(), one(range)), fine, "{range}");
        }
        for reserved in ["10.2.0.0/16", "172.16.0.0/12", "192.168.1.0/24", "127.0.0.1/32", "100.64.0.0/16", "255.255.255.255/32"] {
            assert!(good(&cidrs(), one(reserved)) && !good(&public_cidrs(), one(reserved)), "{reserved}");
        }
    }

    #[test]
    fn labels_groups_logs_and_retentions() {
        for (label, fine) in [
            ("pool", true),
            ("kubernetes.io/role", false),
            ("node.kubernetes.io/x", false),
            ("eks.amazonaws.com/x", false),
            ("example.com/x", true),
        ] {
            assert_eq!(good(&node_labels(), Value::object([(label, "x".into())])), fine, "{label}");
        }
        assert!(!good(&node_group_names(), Value::Map([].into())));
        assert!(!good(&node_group_names(), Value::object([("a/b", Value::Null)])));
        assert!(good(&log_types(), one("audit")) && !good(&log_types(), one("x")));
        assert!(good(&retention(), 365) && !good(&retention(), 366));
    }
}
