//! What a transaction promises, whichever engine runs it.

use std::time::{Duration, Instant};

use ringpass_core::storage::{Asked, Db, DbError, Settings, Tx, Url, settings};
use serde_json::Map;

use super::{engines, keys, settings_of};

const TWICE: &str = "INSERT INTO probe (id, checked_at) VALUES (7, 1)";

#[tokio::test(flavor = "multi_thread")]
async fn an_error_rolls_back_and_a_refusal_does_not() {
    for engine in engines().await {
        let failed: Result<(), DbError> = engine
            .db
            .write("test", |tx| {
                settings::bump_version(tx)?;
                assert_eq!(settings::version(tx)?, 2);
                Err(DbError::Full)
            })
            .await;
        assert!(matches!(failed, Err(DbError::Full)), "{}", engine.name);
        assert_eq!(engine.read(settings::version).await, 1, "{}", engine.name);
        engine.write(settings::bump_version).await;
        assert_eq!(engine.read(settings::version).await, 2, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_statement_that_fails_fails_its_transaction_and_no_other() {
    for engine in engines().await {
        engine.write(|tx| tx.later(TWICE, &[])).await;
        for round in 0..8 {
            let twice = engine.db.write("test", |tx| {
                settings::bump_version(tx)?;
                tx.later(TWICE, &[])
            });
            assert!(matches!(twice.await, Err(DbError::Conflict)), "{} {round}", engine.name);
            // The closure after it must be in a transaction of its own: what it does goes when it fails.
            let after: Result<(), DbError> = engine
                .db
                .write("test", |tx| {
                    settings::put(tx, "left-over", &Map::new())?;
                    settings::version(tx)?;
                    Err(DbError::Full)
                })
                .await;
            assert!(matches!(after, Err(DbError::Full)), "{} {round}", engine.name);
            assert!(engine.read(|tx| settings::get(tx, "left-over")).await.is_none(), "{} {round}", engine.name);
            assert_eq!(engine.read(settings::version).await, 1, "{} {round}", engine.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_share_a_round_trip_and_see_what_was_written_before_them() {
    fn probe(tx: &mut Tx<'_>, id: i64) -> Result<Asked<Option<i64>>, DbError> {
        tx.ask("SELECT checked_at FROM probe WHERE id = ?1", &[id.into()], |rows| {
            rows.first().map(|row| row.int(0)).transpose()
        })
    }
    for engine in engines().await {
        let work = |tx: &mut Tx<'_>| {
            let before = probe(tx, 7)?;
            tx.later("INSERT INTO probe (id, checked_at) VALUES (7, 1) ON CONFLICT DO NOTHING", &[])?;
            let (after, other) = (probe(tx, 7)?, probe(tx, 8)?);
            let unread = probe(tx, 9)?;
            // In another order than asked.
            let found = (tx.answer(other)?, tx.answer(before)?, tx.answer(after)?);
            drop(unread);
            tx.later("DELETE FROM probe WHERE id = 7", &[])?;
            Ok(found)
        };
        // A connection that sees a statement for the first time prepares it; the cheapest run is one that has seen all.
        let mut cheapest = u64::MAX;
        for _ in 0..32 {
            let before = engine.db.round_trips();
            assert_eq!(engine.write(work).await, (None, None, Some(1)), "{}", engine.name);
            cheapest = cheapest.min(engine.db.round_trips() - before);
        }
        let expected = if engine.name == "postgres" { 2 } else { 0 };
        assert_eq!(cheapest, expected, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_panics_leaves_nothing_behind() {
    for engine in engines().await {
        let result: Result<(), DbError> = engine
            .db
            .write("test", |tx| {
                settings::bump_version(tx)?;
                settings::version(tx)?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(result, Err(DbError::Failed(_))), "{}", engine.name);
        engine.write(|tx| settings::probe(tx, 5)).await;
        assert_eq!(engine.read(settings::version).await, 1, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_configuration_pass_one_after_the_other() {
    for engine in engines().await {
        let tries: Vec<_> = (0..40)
            .map(|_| {
                let db = engine.db.clone();
                tokio::spawn(async move {
                    db.write("test", |tx| {
                        settings::bump_version(tx)?;
                        let mut counted = settings::get(tx, "count")?.unwrap_or_default();
                        let count = counted.get("n").and_then(serde_json::Value::as_i64).unwrap_or_default();
                        counted.insert("n".into(), (count + 1).into());
                        settings::put(tx, "count", &counted)
                    })
                    .await
                })
            })
            .collect();
        for one in tries {
            one.await.unwrap().unwrap();
        }
        let counted = engine.read(|tx| settings::get(tx, "count")).await.unwrap();
        assert_eq!(counted["n"], 40, "{}", engine.name);
        assert_eq!(engine.read(settings::version).await, 41, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_key_is_made_once() {
    use ringpass_core::kit::rng::Rng;
    for engine in engines().await {
        let first = engine.write(|tx| settings::hash_key(tx, &Rng::seeded(1))).await;
        let second = engine.write(|tx| settings::hash_key(tx, &Rng::seeded(2))).await;
        assert_eq!(first.tag(&["a"]), second.tag(&["a"]), "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_refuses_all_who_wait_and_recovers() {
    let engine = engines().await.swap_remove(0);
    let path = engine.folder.as_ref().unwrap().join("ringpass.db");
    // A program that writes the file by hand, and takes its time.
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let db = engine.db.clone();
            tokio::spawn(async move { db.write("test", settings::bump_version).await })
        })
        .collect();
    for job in waiting {
        assert!(matches!(job.await.unwrap(), Err(DbError::Unavailable(_))));
    }
    // Two rounds at most: the first may have begun before the others came.
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(engine.read(settings::version).await, 1);
    other.execute_batch("ROLLBACK").unwrap();
    engine.write(settings::bump_version).await;
    assert_eq!(engine.read(settings::version).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_the_disk_unless_it_need_not() {
    let engine = engines().await.swap_remove(0);
    let folder = engine.folder.as_ref().unwrap();
    let durable = Settings { durable: true, ..settings_of(Url::Sqlite(folder.join("durable.db")), keys()) };
    let db = Db::open(durable).await.unwrap();
    let early = |tx: &mut Tx<'_>| {
        tx.answer_before_flush();
        settings::bump_version(tx)
    };
    // Without its log there is nothing to flush, and the engine itself does not notice.
    std::fs::remove_file(folder.join("durable.db-wal")).unwrap();
    assert_eq!(db.write("test", early).await, Ok(()));
    // This one changes nothing, but what came before it is not on the disk yet.
    assert!(is_unflushed(db.write("test", |_| Ok(())).await));
    // Nobody knows now what is there, so nothing more is taken.
    assert!(is_unflushed(db.write("test", early).await));
    assert!(is_unflushed(db.write("test", settings::bump_version).await));
}

fn is_unflushed(result: Result<(), DbError>) -> bool {
    matches!(result, Err(DbError::Unavailable(why)) if why.contains("cannot be flushed"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_does_not_grow_with_what_is_written() {
    let engine = engines().await.remove(0);
    let (mut longest, text) = (0, "x".repeat(2_000));
    for round in 0..64_i64 {
        let text = text.clone();
        let write = |tx: &mut Tx<'_>, id: i64, text: &str| {
            tx.later("INSERT INTO settings (name, body) VALUES (?1, ?2)", &[format!("{id:08}").into(), text.into()])
        };
        engine.write(move |tx| (0..1_000).try_for_each(|index| write(tx, round * 1_000 + index, &text))).await;
        let log = engine.folder.as_ref().unwrap().join("ringpass.db-wal");
        longest = longest.max(std::fs::metadata(log).map_or(0, |log| log.len()));
    }
    // Some 130 MB were written.
    assert!(longest < 100_000_000, "{longest} bytes");
}
