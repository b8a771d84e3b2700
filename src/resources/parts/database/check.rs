//! What no single attribute of a database shows to be wrong. Attributes may be unknown.

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use super::{Database, RestoreToPointInTime, windows};

/// CloudWatch's retentions, days.
const RETENTIONS: [i64; 22] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The smallest maximum that AWS takes over an allocated size: a tenth more.
pub(super) fn smallest_maximum(allocated: i64) -> i64 {
    allocated.saturating_mul(11).saturating_add(9) / 10
}

/// Checks the attributes against each other; `at` is the part's path.
pub(crate) fn check(model: &Database, at: &Path) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut wrong =
        |attribute: &str, summary: &str, detail: String| found.push(Diagnostic::error(at.attribute(attribute), summary, detail));
    if let (Attr::Known(allocated), Attr::Known(max)) = (&model.allocated_storage, &model.max_allocated_storage)
        && *max < smallest_maximum(*allocated)
    {
        let least = smallest_maximum(*allocated);
        wrong(
            "max_allocated_storage",
            "The storage could not grow",
            format!("AWS takes a maximum of at least a tenth above allocated_storage ({allocated} GiB): {least} GiB or more, not {max}."),
        );
    }
    let backup = model.backup_window.as_str().map(|text| (text, windows::backup(text)));
    let maintenance = model.maintenance_window.as_str().map(|text| (text, windows::maintenance(text)));
    for (attribute, window, example) in
        [("backup_window", &backup, "02:00-03:00"), ("maintenance_window", &maintenance, "sun:03:30-sun:04:30")]
    {
        match window {
            Some((text, None)) => wrong(attribute, "Not a window", format!("{text:?} is not like {example} (UTC).")),
            Some((text, Some(window))) if !windows::long_enough(window) => {
                wrong(attribute, "The window is too short", format!("{text} is shorter than AWS's 30 minutes."));
            }
            _ => {}
        }
    }
    if let (Some((backup, Some(daily))), Some((text, Some(weekly)))) = (&backup, &maintenance)
        && windows::overlap(daily, weekly)
    {
        wrong(
            "maintenance_window",
            "The windows overlap",
            format!("{text} meets the daily backup_window {backup}: AWS refuses that. Move one of them."),
        );
    }
    if let Attr::Known(days) = &model.log_retention_in_days
        && !RETENTIONS.contains(days)
    {
        wrong("log_retention_in_days", "Not a retention of CloudWatch", format!("It must be one of {RETENTIONS:?} days."));
    }
    if let Attr::Known(restore) = &model.restore_to_point_in_time {
        if !model.snapshot_identifier.is_null() {
            let detail = "A database is made from one of them: leave snapshot_identifier or restore_to_point_in_time out.".to_owned();
            wrong("snapshot_identifier", "Two origins of one database", detail);
        }
        let sources = sources(restore);
        let unknown = sources.iter().any(|source| source.is_unknown());
        let known = sources.iter().filter(|source| source.known().is_some()).count();
        if known > 1 || (known == 0 && !unknown) {
            let detail = "Name exactly one of source_db_instance_identifier, source_dbi_resource_id and \
                          source_db_instance_automated_backups_arn.";
            wrong("restore_to_point_in_time", "Not one source", detail.to_owned());
        }
    }
    found
}

fn sources(restore: &RestoreToPointInTime) -> [&Attr<String>; 3] {
    [&restore.source_db_instance_identifier, &restore.source_dbi_resource_id, &restore.source_db_instance_automated_backups_arn]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Attr<String> {
        Attr::Known(text.to_owned())
    }

    fn problems(model: &Database) -> Vec<String> {
        check(model, &Path::of("database")).iter().map(|found| format!("{}: {}", found.path, found.summary)).collect()
    }

    #[test]
    fn each_rule_is_at_its_attribute() {
        let model = Database {
            allocated_storage: Attr::Known(100),
            max_allocated_storage: Attr::Known(109),
            backup_window: known("02:00-04:00"),
            maintenance_window: known("sun:03:30-sun:04:30"),
            log_retention_in_days: Attr::Known(8),
            snapshot_identifier: Attr::Unknown,
            restore_to_point_in_time: Attr::Known(RestoreToPointInTime::default()),
            ..Database::default()
        };
        let expected = [
            "database.max_allocated_storage: The storage could not grow",
            "database.maintenance_window: The windows overlap",
            "database.log_retention_in_days: Not a retention of CloudWatch",
            "database.snapshot_identifier: Two origins of one database",
            "database.restore_to_point_in_time: Not one source",
        ];
        assert_eq!(problems(&model), expected);
        let model = Database { backup_window: known("2-3"), maintenance_window: known("sun:03:30-sun:03:45"), ..Database::default() };
        assert_eq!(problems(&model), ["database.backup_window: Not a window", "database.maintenance_window: The window is too short"]);
    }

    #[test]
    fn what_is_right_or_unknown_is_no_problem() {
        let restore = RestoreToPointInTime { source_dbi_resource_id: Attr::Unknown, ..RestoreToPointInTime::default() };
        let model = Database {
            allocated_storage: Attr::Known(100),
            max_allocated_storage: Attr::Known(110),
            backup_window: Attr::Unknown,
            maintenance_window: known("Sun:03:30-Sun:04:30"),
            restore_to_point_in_time: Attr::Known(restore),
            ..Database::default()
        };
        assert_eq!(problems(&model), Vec::<String>::new());
        assert_eq!(problems(&Database::default()), Vec::<String>::new());
        assert_eq!((smallest_maximum(100), smallest_maximum(20), smallest_maximum(25)), (110, 22, 28));
    }
}
