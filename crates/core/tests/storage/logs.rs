//! The tenant log is read in order, by everybody and by those who follow it.

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::storage::logs::{self, Entry, SETTLED};
use ringpass_core::storage::{DbError, Tx};
use serde_json::json;

use super::engines;

fn insert(tx: &mut Tx<'_>, date: Millis, user_id: Option<&str>) -> Result<String, DbError> {
    let log_id = ids::log(&Rng::seeded(1), date);
    let body = json!({"log_id": log_id}).to_string();
    logs::insert(tx, &Entry { log_id: log_id.clone(), date, kind: "s", user_id: user_id.map(str::to_owned), body })?;
    Ok(log_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_lie_between_bounds_and_belong_to_users() {
    for engine in engines().await {
        let work = |tx: &mut Tx<'_>| {
            let all: Vec<String> = [(10, None), (20, Some("a")), (20, Some("b")), (30, Some("a"))]
                .into_iter()
                .map(|(date, user_id)| insert(tx, date, user_id))
                .collect::<Result<_, _>>()?;
            let names = |found: Vec<logs::Found>| found.into_iter().map(|event| event.log_id).collect::<Vec<_>>();
            let (low, high) = (ids::log_bound(20), ids::log_bound(30));
            assert_eq!(names(logs::oldest_first(tx, None, (&low, &high), 9)?), all[1..3]);
            assert_eq!(names(logs::newest_first(tx, None, ("", ":"), 2)?), [&*all[3], &*all[2]]);
            assert_eq!(names(logs::newest_first(tx, Some("a"), ("", ":"), 9)?), [&*all[3], &*all[1]]);
            assert_eq!(names(logs::oldest_first(tx, Some("a"), (&all[1], ":"), 9)?), all[3..]);
            assert_eq!(
                (logs::count(tx, None, 3)?, logs::count(tx, Some("a"), 3)?, logs::count(tx, Some("c"), 3)?),
                (3, 2, 0)
            );
            assert_eq!(logs::find(tx, &all[0])?.map(|event| event.kind).as_deref(), Some("s"));
            Ok(())
        };
        engine.write(work).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_log_misses_no_event_that_becomes_visible_late() {
    for engine in engines().await {
        let late = engine.write(|tx| insert(tx, 10_000, None)).await;
        // With one writer what is visible is complete; with several, only what is old enough is.
        let at_once = engine.read(|tx| Ok((tx.is_in_order(), logs::list_after(tx, "", 10_000, 9)?.len()))).await;
        assert_eq!(at_once, if engine.name == "sqlite" { (true, 1) } else { (false, 0) });
        let soon = engine.read(|tx| logs::list_after(tx, "", 10_000 + SETTLED + 1, 9)).await;
        assert_eq!(soon.iter().map(|event| &event["log_id"]).collect::<Vec<_>>(), [&late]);
    }
}
