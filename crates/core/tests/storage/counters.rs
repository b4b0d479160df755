//! What is counted, spent or ended: codes, buckets, failures, tokens, signing keys.

use ringpass_core::kit::clock::{DAY, Millis};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::codes::{self, Try};
use ringpass_core::storage::login_failures;
use ringpass_core::storage::{Db, DbError, Tx, signing_keys};

use super::engines;

const PHONE: codes::Key<'static> = codes::Key { connection_id: "con_1", identifier: "+4915112345678" };

fn put(tx: &mut Tx<'_>, id: &str, hash: &str, now: Millis) -> Result<(), DbError> {
    codes::put(tx, &PHONE, id, hash, now, now + 180)
}

/// Runs `work` so many times at once.
async fn at_once<T, F>(db: &Db, times: usize, work: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, DbError> + Send + Clone + 'static,
{
    let tasks: Vec<_> = (0..times)
        .map(|_| {
            let (db, work) = (db.clone(), work.clone());
            tokio::spawn(async move { db.write("test", move |tx| work(tx)).await.unwrap() })
        })
        .collect();
    let mut out = Vec::new();
    for task in tasks {
        out.push(task.await.unwrap());
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_right_tries_at_once_one_wins() {
    for engine in engines().await {
        engine.write(|tx| put(tx, "1", "right", 0)).await;
        let tries = at_once(&engine.db, 50, |tx| codes::consume(tx, &PHONE, "right", 10)).await;
        let won = tries.iter().filter(|outcome| **outcome == Try::Right).count();
        assert_eq!(won, 1, "{}: {tries:?}", engine.name);
        assert!(tries.iter().all(|outcome| matches!(outcome, Try::Right | Try::Absent)), "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_tries_at_once_two_are_wrong_and_the_code_is_dead() {
    for engine in engines().await {
        engine.write(|tx| put(tx, "1", "right", 0)).await;
        let tries = at_once(&engine.db, 50, |tx| codes::consume(tx, &PHONE, "wrong", 10)).await;
        assert_eq!(tries.iter().filter(|outcome| **outcome == Try::Wrong).count(), 2, "{}", engine.name);
        assert_eq!(tries.iter().filter(|outcome| **outcome == Try::Exhausted).count(), 1, "{}", engine.name);
        assert_eq!(tries.iter().filter(|outcome| **outcome == Try::Dead).count(), 47, "{}", engine.name);
        let late = engine.write(|tx| codes::consume(tx, &PHONE, "right", 10)).await;
        assert_eq!(late, Try::Dead, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ends_with_its_time_its_use_and_its_successor() {
    for engine in engines().await {
        let outcomes = engine
            .write(|tx| {
                let mut outcomes = vec![codes::consume(tx, &PHONE, "x", 0)?];
                put(tx, "1", "first", 0)?;
                outcomes.push(codes::consume(tx, &PHONE, "first", 180)?);
                outcomes.push(codes::consume(tx, &PHONE, "wrong", 180)?);
                outcomes.push(codes::consume(tx, &PHONE, "first", 179)?);
                outcomes.push(codes::consume(tx, &PHONE, "first", 179)?);
                put(tx, "2", "second", 10)?;
                put(tx, "3", "third", 11)?;
                codes::discard(tx, "2", &PHONE)?;
                outcomes.push(codes::consume(tx, &PHONE, "second", 20)?);
                outcomes.push(codes::consume(tx, &PHONE, "third", 20)?);
                put(tx, "4", "fourth", 30)?;
                codes::discard(tx, "4", &PHONE)?;
                outcomes.push(codes::consume(tx, &PHONE, "fourth", 31)?);
                Ok(outcomes)
            })
            .await;
        let expected =
            [Try::Absent, Try::Expired, Try::Expired, Try::Right, Try::Absent, Try::Wrong, Try::Right, Try::Absent];
        assert_eq!(outcomes, expected, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_wrong_tries_kill_a_code_and_a_new_one_starts_afresh() {
    for engine in engines().await {
        let outcomes = engine
            .write(|tx| {
                put(tx, "1", "right", 0)?;
                let mut outcomes = Vec::new();
                for guess in ["a", "b", "c", "right"] {
                    outcomes.push(codes::consume(tx, &PHONE, guess, 1)?);
                }
                // Dead is dead, also after its time.
                outcomes.push(codes::consume(tx, &PHONE, "right", 1_000)?);
                put(tx, "2", "right", 2)?;
                outcomes.push(codes::consume(tx, &PHONE, "a", 3)?);
                outcomes.push(codes::consume(tx, &PHONE, "b", 3)?);
                outcomes.push(codes::consume(tx, &PHONE, "right", 3)?);
                assert_eq!(codes::prune(tx, 181 + DAY, 10)?, 0);
                assert_eq!(codes::prune(tx, 182 + DAY, 10)?, 1);
                Ok(outcomes)
            })
            .await;
        let expected =
            [Try::Wrong, Try::Wrong, Try::Exhausted, Try::Dead, Try::Dead, Try::Wrong, Try::Wrong, Try::Right];
        assert_eq!(outcomes, expected, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gives_its_burst_and_then_one_for_each_interval() {
    const SHAPE: Shape = Shape { burst: 3, interval: 100 };
    for engine in engines().await {
        let taken = at_once(&engine.db, 20, |tx| buckets::take(tx, "k", SHAPE, 1_000)).await;
        assert_eq!(taken.iter().flatten().count(), 3, "{}", engine.name);
        let (got, rest) = engine
            .write(|tx| {
                let mut got = Vec::new();
                for now in [1_099, 1_100, 1_100, 5_000, 5_000, 5_000, 5_000] {
                    got.push(buckets::take(tx, "k", SHAPE, now)?);
                }
                assert_eq!(buckets::take(tx, "other", SHAPE, 0)?, Some(100));
                assert_eq!(buckets::prune(tx, 100, 10)?, 1);
                Ok((got, (buckets::get(tx, "k")?, buckets::get(tx, "other")?)))
            })
            .await;
        let expected = [None, Some(1_400), None, Some(5_100), Some(5_200), Some(5_300), None];
        assert_eq!(got, expected, "{}", engine.name);
        assert_eq!(rest, (Some(5_300), None), "{}", engine.name);
        assert_eq!((SHAPE.left(5_300, 5_000), SHAPE.next_at(5_300, 5_000)), (0, 5_100));
    }
}

fn failures(tx: &mut Tx<'_>, key: &login_failures::Key<'_>, now: Millis) -> Result<i64, DbError> {
    Ok(standing(tx, key, ["", ""], now)?.failures)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_tells_the_failures_and_two_buckets() {
    const SHAPE: Shape = Shape { burst: 2, interval: 100 };
    let key = login_failures::Key { connection: "sms", identifier: "+2", ip: "" };
    for engine in engines().await {
        let key = key.clone();
        engine
            .write(move |tx| {
                let nothing = standing(tx, &key, ["a", "b"], 10)?;
                assert_eq!(nothing, login_failures::Standing::default());
                login_failures::add(tx, &key, 10)?;
                for _ in 0..3 {
                    buckets::take_later(tx, "b", SHAPE, 10)?;
                }
                let standing = standing(tx, &key, ["a", "b"], 10)?;
                assert_eq!((standing.failures, standing.first_full_at, standing.second_full_at), (1, 0, 210));
                assert_eq!(login_failures::blocked(tx, ("sms", "+2"), 1, 10)?, [""]);
                assert_eq!(login_failures::blocked(tx, ("sms", "+2"), 2, 10)?, [""; 0]);
                assert_eq!(login_failures::forgive(tx, "sms", "+2")?, 1);
                assert_eq!(login_failures::blocked(tx, ("sms", "+2"), 1, 10)?, [""; 0]);
                assert!(buckets::fill(tx, "b")? && !buckets::fill(tx, "b")?);
                assert_eq!(buckets::get(tx, "b")?, None);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_address_until_they_are_cleared_or_old() {
    let key = login_failures::Key { connection: "sms", identifier: "+1", ip: "10.0.0.1" };
    for engine in engines().await {
        let mut counts = {
            let key = key.clone();
            at_once(&engine.db, 20, move |tx| login_failures::add(tx, &key, 0)).await
        };
        counts.sort_unstable();
        assert_eq!(counts, (1..=20).collect::<Vec<_>>(), "{}", engine.name);
        let key = key.clone();
        engine
            .write(move |tx| {
                let other = login_failures::Key { ip: "10.0.0.2", ..key };
                assert_eq!(failures(tx, &other, 1)?, 0);
                assert_eq!(login_failures::add(tx, &other, 1)?, 1);
                assert_eq!(failures(tx, &key, 1)?, 20);
                assert_eq!(failures(tx, &key, login_failures::LIFETIME)?, 0);
                assert_eq!(login_failures::prune(tx, login_failures::LIFETIME, 10)?, 1);
                assert_eq!(login_failures::add(tx, &key, 2)?, 1);
                // An old count starts again at one.
                assert_eq!(login_failures::add(tx, &key, 2 + login_failures::LIFETIME)?, 1);
                login_failures::clear(tx, &key)?;
                assert_eq!(failures(tx, &key, 3)?, 0);
                assert_eq!(failures(tx, &other, 3)?, 1);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_is_moved_once_and_forgotten_when_revoked() {
    for engine in engines().await {
        let key = SigningKey {
            kid: "k".into(),
            state: State::Next,
            private_key: Secret::new("private"),
            certificate: vec![1, 2, 3],
            created_at: 5,
            current_since: None,
            current_until: None,
            revoked_at: None,
        };
        engine.write(move |tx| signing_keys::insert(tx, &key)).await;
        let moved = at_once(&engine.db, 10, |tx| signing_keys::advance(tx, "k", State::Next, State::Current, 10)).await;
        assert_eq!(moved.iter().filter(|moved| **moved).count(), 1, "{}", engine.name);
        let (before, after) = engine
            .write(|tx| {
                assert!(signing_keys::advance(tx, "k", State::Current, State::Previous, 20)?);
                let before = signing_keys::list(tx)?.remove(0);
                assert!(signing_keys::advance(tx, "k", State::Previous, State::Revoked, 30)?);
                Ok((before, signing_keys::list(tx)?.remove(0)))
            })
            .await;
        assert_eq!((before.current_since, before.current_until, before.revoked_at), (Some(10), Some(20), None));
        assert_eq!((before.private_key.expose(), before.certificate.as_slice()), ("private", &[1, 2, 3][..]));
        assert_eq!((after.state, after.revoked_at), (State::Revoked, Some(30)), "{}", engine.name);
        assert!(after.private_key.is_empty() && after.current_until == Some(20), "{}", engine.name);
    }
}

fn standing(
    tx: &mut Tx<'_>,
    key: &login_failures::Key<'_>,
    buckets: [&str; 2],
    now: i64,
) -> Result<login_failures::Standing, DbError> {
    let asked = login_failures::ask_standing(tx, key, buckets, now)?;
    tx.answer(asked)
}
