//! What a delete is guarded by, and what it leaves.

use super::*;

fn sealed(protection: bool, snapshot: bool) -> Wanted {
    wanted(with(&[
        ("deletion_protection", json!(protection)),
        ("final_snapshot", json!(snapshot)),
        ("delete_automated_backups", json!(false)),
        ("attribute_prefix", json!("database.")),
    ]))
}

async fn guarded(status: &str, protected: bool, wanted: &Wanted, snapshots: Option<&str>) -> Vec<(String, String)> {
    let protection = if protected { "<DeletionProtection>true</DeletionProtection>" } else { "" };
    let there = found(&usual(status, protection), settings()).await;
    let mut script = Script::new();
    if let Some(snapshots) = snapshots {
        script = script.on(
            "DescribeDBSnapshots",
            200,
            &replies::reply("DescribeDBSnapshots", &format!("<DBSnapshots>{snapshots}</DBSnapshots>")),
        );
    }
    let guards = of(&script).guards(&there, wanted).await.unwrap();
    script.finish();
    guards.into_iter().map(|guard| (guard.attribute, guard.reason)).collect()
}

#[tokio::test]
async fn everything_that_would_refuse_later_is_a_guard() {
    assert_eq!(guarded("available", false, &sealed(false, true), Some("")).await, []);
    assert_eq!(guarded("deleting", true, &sealed(true, true), None).await, [], "it goes already");
    let protected = guarded("available", true, &sealed(false, false), None).await;
    assert_eq!(protected[0].0, "database.deletion_protection");
    let taken = guarded("available", false, &sealed(false, true), Some("<DBSnapshot><Status>available</Status></DBSnapshot>")).await;
    assert!(taken[0].1.starts_with("the final snapshot's name x-final-20261127223005 is taken"), "{taken:?}");
    for status in ["storage-full", "incompatible-network", "failed", "creating", "stopped"] {
        let broken = guarded(status, false, &sealed(false, true), Some("")).await;
        assert_eq!(broken[0].0, "database.final_snapshot", "{status}");
        assert_eq!(guarded(status, false, &sealed(false, false), None).await, []);
    }
    // A create that was interrupted after its seal was never handed out.
    assert_eq!(guarded("available", true, &wanted(settings()), None).await, []);
}

/// A delete first asks for what is left of upgrades.
fn none() -> Script {
    Script::new().on("DescribeDBSnapshots", 200, &replies::reply("DescribeDBSnapshots", "<DBSnapshots/>"))
}

#[tokio::test]
async fn delete_takes_the_final_snapshot_and_says_what_stays() {
    let there = found(&usual("available", ""), settings()).await;
    let taken = "<DBSnapshots><DBSnapshot><DBSnapshotIdentifier>x-before-17-from-16-4</DBSnapshotIdentifier></DBSnapshot>\
                 <DBSnapshot><DBSnapshotIdentifier>by-hand</DBSnapshotIdentifier></DBSnapshot></DBSnapshots>";
    let script = Script::new().on("DescribeDBSnapshots", 200, &replies::reply("DescribeDBSnapshots", taken)).on(
        "DeleteDBInstance",
        200,
        &replies::reply("DeleteDBInstance", ""),
    );
    let kept = of(&script).delete(&there, &sealed(false, true)).await.unwrap().unwrap();
    assert!(
        kept.what.contains("x-final-20261127223005") && kept.what.contains("automated backups of db-ABC") && kept.what.contains("30 days"),
        "{kept:?}"
    );
    assert!(kept.what.contains("x-before-17-from-16-4") && !kept.what.contains("by-hand"), "{kept:?}");
    assert!(kept.cost.contains("100 GiB"), "{kept:?}");
    let body = &script.finish()[1].1;
    for part in ["SkipFinalSnapshot=false", "FinalDBSnapshotIdentifier=x-final-20261127223005", "DeleteAutomatedBackups=false"] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    let script = none().on("DeleteDBInstance", 404, &replies::error("DBInstanceNotFound", "no"));
    assert_eq!(of(&script).delete(&there, &wanted(settings())).await.unwrap(), None);
}

#[tokio::test]
async fn a_delete_goes_on_after_a_lost_reply() {
    let there = found(&usual("available", ""), settings()).await;
    for error in ["InvalidDBInstanceState", "DBSnapshotAlreadyExists"] {
        let script = none().on("DeleteDBInstance", 400, &replies::error(error, "Instance x is already being deleted.")).on(
            "DescribeDBInstances",
            200,
            &list(&usual("deleting", "")),
        );
        assert!(of(&script).delete(&there, &sealed(false, true)).await.unwrap().is_some());
        script.finish();
    }
    let script = none().on("DeleteDBInstance", 400, &replies::error("InvalidDBInstanceState", "Instance x is not in available state.")).on(
        "DescribeDBInstances",
        200,
        &list(&usual("modifying", "")),
    );
    assert_eq!(of(&script).delete(&there, &sealed(false, true)).await.unwrap_err().class, Class::Busy);
    let going = found(&usual("deleting", ""), settings()).await;
    assert!(of(&none()).delete(&going, &sealed(false, true)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_seal_of_an_unfinished_create_is_taken_off_in_a_call_of_its_own() {
    let there = found(&usual("available", "<DeletionProtection>true</DeletionProtection>"), settings()).await;
    let script = none().on("ModifyDBInstance", 200, &replies::reply("ModifyDBInstance", "")).on(
        "DeleteDBInstance",
        200,
        &replies::reply("DeleteDBInstance", ""),
    );
    assert_eq!(of(&script).delete(&there, &wanted(settings())).await.unwrap(), None);
    let asked = script.finish();
    assert!(
        asked[1].1.contains("DeletionProtection=false")
            && asked[2].1.contains("SkipFinalSnapshot=true")
            && asked[2].1.contains("DeleteAutomatedBackups=true")
    );
}
