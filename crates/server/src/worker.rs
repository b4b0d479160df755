//! Doors opened by time: notice configuration that another node wrote, remove what has expired, count sign-ins by day,
//! rotate signing keys, go on with what a deletion left, learn whether the database takes writes.

use std::sync::Arc;
use std::time::Duration;

use ringpass_core::kit::clock::{DAY, HOUR, MINUTE, Millis};
use ringpass_core::storage::{
    DbError, Tx, access_tokens, authenticators, authorization_codes, buckets, codes, jobs, known_origins,
    login_failures, login_tickets, logins, logs, mfa_codes, mfa_transactions, outbox, phone_backoffs, pushed_requests,
    refresh_tokens, sessions, settings, stats, tickets, used_assertions,
};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use crate::app::App;
use crate::flows::{self, remove_connection, signing_keys};
use crate::ops::{self, Readiness};

/// Rows removed in one transaction, so that no sign-in waits long behind it.
const STEP: i64 = 500;
/// Ticks (seconds) between two rounds of removal.
const PRUNE_EVERY: u64 = 30;
/// Ticks (seconds) between two probes of the database.
const PROBE_EVERY: u64 = 2;

/// Runs until it is dropped, one tick a second. Jobs take long, so they have ticks of their own.
pub async fn run(app: Arc<App>, readiness: Arc<Readiness>) {
    tokio::join!(look_after(&app, &readiness), work(&app), tell(&app));
}

/// Tells clients of sessions that have ended.
async fn tell(app: &App) {
    // Between the ticks of the others, whose gauge tells how many wait for the database.
    let mut ticks = interval_at(Instant::now() + Duration::from_millis(500), Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            match flows::back_channel::tell(app).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "clients could not be told of a session that ended; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Works on jobs.
async fn work(app: &App) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = flows::jobs::work(app).await {
            tracing::warn!(%error, "a job stopped; it goes on within a minute");
        }
    }
}

async fn look_after(app: &App, readiness: &Readiness) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        if let Err(error) = app.refresh().await {
            tracing::warn!(%error, "the configuration could not be looked at");
        }
        ops::queue_depth(app.db.queue_depth());
        if let Err(error) = remove_connection::resume(app).await {
            tracing::warn!(%error, "the users of a deleted connection could not be removed");
        }
        if tick % PROBE_EVERY == 0 {
            probe(app, readiness).await;
        }
        if tick % PRUNE_EVERY == PRUNE_EVERY - 1 {
            if let Err(error) = count_days(app).await {
                tracing::warn!(%error, "sign-ins could not be counted");
            }
            if let Err(error) = prune(app).await {
                tracing::warn!(%error, "expired rows could not be removed");
            }
        }
        if let Err(error) = signing_keys::keep(app).await {
            tracing::warn!(%error, "the signing keys could not be moved on");
        }
    }
}

/// Writes one row, so that readiness tells the truth about a full or read-only database.
pub async fn probe(app: &App, readiness: &Readiness) {
    let now = app.clock.now();
    match app.db.write("worker.probe", move |tx| settings::probe(tx, now)).await {
        Ok(()) => readiness.database_up(),
        Err(error) => {
            tracing::warn!(%error, "the database takes no writes");
            readiness.database_down(error.to_string());
        }
    }
}

/// Counts the sign-ins that the log has told of since the last time, an hour of the log in one step. The last minute is
/// left alone: an event of it may still be on its way into the database.
pub async fn count_days(app: &App) -> Result<(), DbError> {
    let (now, settled) = (app.clock.now(), app.clock.now() - MINUTE);
    while let Some((counted_until, first)) = app.db.read("worker.stats", stats::next).await? {
        let until = (first + HOUR).min(settled);
        if until <= first {
            break;
        }
        let days = app.db.read("worker.count", move |tx| stats::count(tx, first, until, now)).await?;
        // Another node may have counted the same hour: then its numbers stand, and the loop goes on from there.
        app.db.write("worker.counted", move |tx| stats::add(tx, counted_until, until, &days)).await?;
    }
    Ok(())
}

type Prune = fn(&mut Tx<'_>, Millis, i64) -> Result<u64, DbError>;

/// Removes everything that has expired, in small steps; how many rows went.
pub async fn prune(app: &App) -> Result<u64, DbError> {
    let now = app.clock.now();
    let kept_since = now - i64::from(app.config.limits.log_retention_days) * DAY;
    let kinds: [(Prune, Millis); 20] = [
        (jobs::prune, now),
        (codes::prune, now),
        (tickets::prune, now),
        (access_tokens::prune, now),
        (refresh_tokens::prune, now),
        (sessions::prune, now),
        (logins::prune, now),
        (login_tickets::prune, now),
        (authorization_codes::prune, now),
        (pushed_requests::prune, now),
        (buckets::prune, now),
        (login_failures::prune, now),
        (used_assertions::prune, now),
        (outbox::prune, now),
        (authenticators::prune, now),
        (mfa_transactions::prune, now),
        (mfa_codes::prune, now),
        (known_origins::prune, now),
        (phone_backoffs::prune, now - DAY),
        (logs::prune, kept_since),
    ];
    let mut gone = 0;
    for (prune, before) in kinds {
        loop {
            let step = app.db.write("worker.prune", move |tx| prune(tx, before, STEP)).await?;
            gone += step;
            if step < STEP.unsigned_abs() {
                break;
            }
        }
    }
    Ok(gone)
}
