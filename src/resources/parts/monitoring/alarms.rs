//! The alarms: what each watches, and at which value it goes off.

use std::collections::BTreeMap;

use tf_provider::Attr;

use super::{Alarms, Database, Facts, Monitoring, Watched};
use crate::components::InstanceClass;

/// What an alarm is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Database,
    Nodes,
    Nat,
}

/// An alarm without its threshold.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Its name in `thresholds` and, after `alarm/`, its component's; of NAT gateways the zone follows.
    pub(super) name: &'static str,
    pub(super) subject: Subject,
    pub(super) metric: &'static str,
    pub(super) statistic: &'static str,
    pub(super) comparison: &'static str,
    /// Periods of five minutes, all of which must be beyond the threshold.
    pub(super) periods: i64,
    /// What missing data means.
    pub(super) missing: &'static str,
    /// What an operator reads in the mail: what it means, and what to do.
    pub(super) description: &'static str,
}

/// Seconds. RDS and Container Insights tell every minute, credit balances come every five.
pub(super) const PERIOD_S: i64 = 300;
const BELOW: &str = "LessThanThreshold";
const ABOVE: &str = "GreaterThanThreshold";
/// Keeps the state as it was: a database that was stopped on purpose is none of these alarms' business, and one that is down is told by RDS's own events.
const AS_IT_WAS: &str = "missing";
/// The metric is told only while there is something to tell.
const NOTHING_WRONG: &str = "notBreaching";

pub(super) const FREE_STORAGE: &str = "database-free-storage";
pub(super) const CPU: &str = "database-cpu";
pub(super) const FREE_MEMORY: &str = "database-free-memory";
pub(super) const CONNECTIONS: &str = "database-connections";
pub(super) const TRANSACTION_IDS: &str = "database-transaction-ids";
pub(super) const CREDITS: &str = "database-cpu-credits";
pub(super) const IO_BALANCE: &str = "database-ebs-io-balance";
pub(super) const BYTE_BALANCE: &str = "database-ebs-byte-balance";
pub(super) const NODE_CPU: &str = "node-cpu";
pub(super) const NODE_MEMORY: &str = "node-memory";
pub(super) const NODE_DISK: &str = "node-disk";
pub(super) const NAT_PORTS: &str = "nat-port-allocation";

/// Every alarm.
#[rustfmt::skip]
pub(super) const ALL: &[Alarm] = &[
    Alarm {
        name: FREE_STORAGE, subject: Subject::Database, metric: "FreeStorageSpace", statistic: "Minimum", comparison: BELOW, periods: 1, missing: AS_IT_WAS,
        description: "The database's storage is nearly full, and a full database stops. RDS grows it by itself up to max_allocated_storage and at most once in six \
            hours: raise max_allocated_storage if it is reached, and look for what fills the storage (large tables, replication slots, logs).",
    },
    Alarm {
        name: CPU, subject: Subject::Database, metric: "CPUUtilization", statistic: "Average", comparison: ABOVE, periods: 3, missing: AS_IT_WAS,
        description: "The database's CPU has been busy for a quarter of an hour. Look in Performance Insights for the statements that take the time; choose a larger \
            instance_class if they are right.",
    },
    Alarm {
        name: FREE_MEMORY, subject: Subject::Database, metric: "FreeableMemory", statistic: "Average", comparison: BELOW, periods: 3, missing: AS_IT_WAS,
        description: "The database has little memory left and will begin to swap. Look for connections that hold memory (work_mem, many idle ones); choose a larger \
            instance_class if there are none.",
    },
    Alarm {
        name: CONNECTIONS, subject: Subject::Database, metric: "DatabaseConnections", statistic: "Maximum", comparison: ABOVE, periods: 3, missing: NOTHING_WRONG,
        description: "Nearly all of the database's connections are in use; at the maximum it refuses Deeploy's services. Look in pg_stat_activity for idle ones; a \
            larger instance_class has more.",
    },
    Alarm {
        name: TRANSACTION_IDS, subject: Subject::Database, metric: "MaximumUsedTransactionIDs", statistic: "Maximum", comparison: ABOVE, periods: 1, missing: AS_IT_WAS,
        description: "Vacuum doesn't keep up: at two thousand million transaction ids the database stops taking writes. Look for what holds it back (transactions open for \
            days, unused replication slots, prepared transactions), and run VACUUM FREEZE on the oldest tables.",
    },
    Alarm {
        name: CREDITS, subject: Subject::Database, metric: "CPUCreditBalance", statistic: "Minimum", comparison: BELOW, periods: 1, missing: AS_IT_WAS,
        description: "The database has used up its CPU credits: it will be slow, or cost more, until it has been idle for a while. Choose a class that isn't burstable \
            if this comes again.",
    },
    Alarm {
        name: IO_BALANCE, subject: Subject::Database, metric: "EBSIOBalance%", statistic: "Minimum", comparison: BELOW, periods: 1, missing: AS_IT_WAS,
        description: "The database has used up most of its burst of I/O operations: soon its storage is as slow as the class's baseline. Look for statements that read or write \
            much; choose a larger instance_class if this comes again.",
    },
    Alarm {
        name: BYTE_BALANCE, subject: Subject::Database, metric: "EBSByteBalance%", statistic: "Minimum", comparison: BELOW, periods: 1, missing: AS_IT_WAS,
        description: "The database has used up most of its burst of throughput: soon its storage is as slow as the class's baseline. Look for statements that read or write \
            much; choose a larger instance_class if this comes again.",
    },
    // The agent has to come up after its nodes: to take silence for a failure would begin each environment with an alarm.
    Alarm {
        name: NODE_CPU, subject: Subject::Nodes, metric: "node_cpu_utilization", statistic: "Average", comparison: ABOVE, periods: 3, missing: AS_IT_WAS,
        description: "The nodes' CPUs have been busy for a quarter of an hour. If the node groups are at max_size, raise it; else pods ask for less CPU than they use.",
    },
    Alarm {
        name: NODE_MEMORY, subject: Subject::Nodes, metric: "node_memory_utilization", statistic: "Average", comparison: ABOVE, periods: 3, missing: AS_IT_WAS,
        description: "The nodes have little memory left; Kubernetes will end pods. If the node groups are at max_size, raise it; else pods ask for less memory than they use.",
    },
    Alarm {
        name: NODE_DISK, subject: Subject::Nodes, metric: "node_filesystem_utilization", statistic: "Maximum", comparison: ABOVE, periods: 1, missing: AS_IT_WAS,
        description: "A node's disk is nearly full; at 85 percent Kubernetes evicts pods. Look for pods that write to their own disk, or raise disk_size.",
    },
    Alarm {
        name: NAT_PORTS, subject: Subject::Nat, metric: "ErrorPortAllocation", statistic: "Sum", comparison: ABOVE, periods: 1, missing: NOTHING_WRONG,
        description: "The NAT gateway had no port left for a connection, which failed: too many at the same time to one address. Look for clients that open a connection a \
            request; a gateway in each zone has more ports.",
    },
];

/// The alarm of a name in `thresholds`, with the zone of a NAT gateway's.
pub(super) fn of(name: &str) -> Option<(&'static Alarm, Option<&str>)> {
    let (base, zone) = name.split_once('/').map_or((name, None), |(base, zone)| (base, Some(zone)));
    ALL.iter().find(|alarm| alarm.name == base && (alarm.subject == Subject::Nat) == zone.is_some()).map(|alarm| (alarm, zone))
}

/// Alarms whose thresholds or existence the class's facts decide.
const BY_CLASS: [&str; 4] = [FREE_MEMORY, CONNECTIONS, IO_BALANCE, BYTE_BALANCE];

/// Whether the state's thresholds still tell what the class has: same class and settings, and thresholds were made.
pub(super) fn decided(model: &Monitoring, watched: &Watched, prior: Option<(&Monitoring, &Watched)>) -> bool {
    let Some((before, watched_before)) = prior else { return false };
    let settings = |model: &Monitoring| {
        let alarms = model.alarms.known()?;
        let percents = [&alarms.database_free_memory_percent, &alarms.database_connections_percent, &alarms.database_ebs_balance_percent];
        percents.map(|percent| percent.known().copied()).into_iter().collect::<Option<Vec<i64>>>()
    };
    let class = |watched: &Watched| {
        let database = watched.database.as_ref()?;
        Some((database.instance_class.as_str()?.to_owned(), database.max_connections.known().copied()))
    };
    before.thresholds.known().is_some()
        && settings(model).is_some()
        && settings(model) == settings(before)
        && class(watched).is_some()
        && class(watched) == class(watched_before)
}

type Thresholds = BTreeMap<String, Attr<i64>>;

/// Every alarm that there shall be, with its threshold; unknown as a whole while anything that decides it is.
pub(super) fn thresholds(
    model: &Monitoring,
    watched: &Watched,
    prior: Option<(&Monitoring, &Watched)>,
    facts: Option<&Facts>,
) -> Attr<Thresholds> {
    let Some(alarms) = model.alarms.known() else { return Attr::Unknown };
    let kept = prior.filter(|_| facts.is_none() && decided(model, watched, prior)).and_then(|(before, _)| before.thresholds.known());
    let made = (|| {
        let mut all = Thresholds::new();
        if let Some(database) = &watched.database {
            all.extend(plain(alarms, database)?);
            match kept {
                Some(kept) => all
                    .extend(kept.iter().filter(|(name, _)| BY_CLASS.contains(&name.as_str())).map(|(name, at)| (name.clone(), at.clone()))),
                None => all.extend(by_class(alarms, database, facts)?),
            }
        }
        if watched.cluster {
            all.extend(several([
                (NODE_CPU, &alarms.node_cpu_percent),
                (NODE_MEMORY, &alarms.node_memory_percent),
                (NODE_DISK, &alarms.node_disk_percent),
            ])?);
        }
        if *alarms.nat_port_allocation_errors.known()? && !watched.nat_zones.is_null() {
            all.extend(watched.nat_zones.known()?.iter().map(|zone| (format!("{NAT_PORTS}/{zone}"), Attr::Known(0))));
        }
        Some(all)
    })();
    made.map_or(Attr::Unknown, Attr::Known)
}

/// Thresholds as they stand in settings; 0: no such alarm. `None`: one is unknown.
fn several<const N: usize>(named: [(&str, &Attr<i64>); N]) -> Option<Thresholds> {
    let known = named.into_iter().map(|(name, at)| Some((name.to_owned(), *at.known()?))).collect::<Option<Vec<_>>>()?;
    Some(known.into_iter().filter(|(_, at)| *at > 0).map(|(name, at)| (name, Attr::Known(at))).collect())
}

fn plain(alarms: &Alarms, database: &Database) -> Option<Thresholds> {
    const GIB: i64 = 1 << 30;
    let mut all = several([(CPU, &alarms.database_cpu_percent), (TRANSACTION_IDS, &alarms.database_transaction_ids)])?;
    let percent = *alarms.database_free_storage_percent.known()?;
    if percent > 0 {
        let bytes = database.allocated_storage.known()?.saturating_mul(GIB);
        all.insert(FREE_STORAGE.to_owned(), Attr::Known(share(bytes, percent)));
    }
    // Only burstable classes have credits; their families' names begin with a t.
    if database.instance_class.as_str()?.starts_with("db.t") {
        all.extend(several([(CREDITS, &alarms.database_cpu_credits)])?);
    }
    Some(all)
}

/// `None`: nobody has told what the class has.
fn by_class(alarms: &Alarms, database: &Database, facts: Option<&Facts>) -> Option<Thresholds> {
    let (memory, connections, balance) = (
        *alarms.database_free_memory_percent.known()?,
        *alarms.database_connections_percent.known()?,
        *alarms.database_ebs_balance_percent.known()?,
    );
    let mut all = Thresholds::new();
    if memory == 0 && connections == 0 && balance == 0 {
        return Some(all);
    }
    let Some(class) = facts?.class else { return Some(all) };
    let mut add = |name: &str, percent: i64, of: i64| {
        if percent > 0 {
            all.insert(name.to_owned(), Attr::Known(share(of, percent)));
        }
    };
    add(FREE_MEMORY, memory, class.memory);
    let most = match &database.max_connections {
        Attr::Unknown => return None,
        Attr::Known(most) => *most,
        Attr::Null => connections_of(class),
    };
    add(CONNECTIONS, connections, most);
    if class.bursts_to_storage {
        add(IO_BALANCE, balance, 100);
        add(BYTE_BALANCE, balance, 100);
    }
    Some(all)
}

/// RDS's default of `max_connections` for PostgreSQL: LEAST({DBInstanceClassMemory/9531392}, 5000).
fn connections_of(class: InstanceClass) -> i64 {
    const BYTES_A_CONNECTION: i64 = 9_531_392;
    const CONNECTIONS_MAX: i64 = 5000;
    (class.memory / BYTES_A_CONNECTION).min(CONNECTIONS_MAX)
}

fn share(of: i64, percent: i64) -> i64 {
    of.saturating_mul(percent) / 100
}
