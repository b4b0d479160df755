//! Buckets in memory: that of `/passwordless/start`, looked up here first and charged in the start's own transaction,
//! and those that only this process keeps.

use std::collections::HashMap;
use std::sync::Mutex;

use ringpass_core::kit::clock::{MINUTE, Millis, SECOND};
use ringpass_core::model::event::{Details, Event};
use ringpass_core::storage::DbError;
use ringpass_core::storage::buckets::Shape;
use serde_json::json;

use super::caller::Caller;
use super::record;
use crate::app::App;

/// What the rate-limit headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Size of the bucket.
    pub limit: i64,
    /// Tokens left.
    pub remaining: i64,
    /// When the next token can be had.
    pub reset_at: Millis,
}

impl Window {
    /// The window of a bucket that is full at `full_at`.
    pub fn of(shape: Shape, full_at: Millis, now: Millis) -> Self {
        let remaining = shape.left(full_at, now);
        let reset_at = if remaining > 0 { full_at.max(now) } else { shape.next_at(full_at, now) };
        Self { limit: shape.burst, remaining, reset_at }
    }
}

/// Whole seconds until the next token of a bucket that is full at `full_at`.
pub fn wait(shape: Shape, full_at: Millis, now: Millis) -> i64 {
    ((shape.next_at(full_at, now) - now + SECOND - 1) / SECOND).max(1)
}

/// Writes the `api_limit` event of an empty bucket at this path, once a minute (C582).
pub async fn note(app: &App, caller: &Caller, bucket: &str, path: &str, size: i64) -> Result<(), DbError> {
    if !app.buckets.is_news(bucket, app.clock.now()) {
        return Ok(());
    }
    let event = Event {
        description: format!("You passed the limit of allowed calls to '{path}'"),
        details: Details::of(&json!({"limit": {"bucket": bucket, "global": false, "size": size}})),
        ..record::event("api_limit", caller)
    };
    let journal = app.journal.clone();
    app.db.write("limits.note", move |tx| journal.write(tx, event)).await
}

/// Whether the log has room for one more refusal of a request that anyone can send.
pub fn has_room(app: &App, caller: &Caller) -> bool {
    let now = app.clock.now();
    app.buckets.take(&format!("refused|{}", caller.ip), REFUSALS_OF_ADDRESS, now)
        && app.buckets.take("refused", REFUSALS, now)
}

const REFUSALS_OF_ADDRESS: Shape = Shape { burst: 10, interval: 6 * SECOND };
const REFUSALS: Shape = Shape { burst: 100, interval: SECOND / 10 };

/// What this process knows of the buckets: enough to refuse a flood without touching the database.
#[derive(Debug, Default)]
pub struct Memory {
    full_at: Mutex<HashMap<String, Millis>>,
    noted_at: Mutex<HashMap<String, Millis>>,
}

/// Most buckets remembered; past it the full ones are dropped, then all of them (the database still knows).
const CAPACITY: usize = 100_000;

impl Memory {
    /// When the bucket is full again, as far as this process knows.
    pub fn full_at(&self, key: &str) -> Millis {
        self.full_at.lock().map_or(0, |buckets| buckets.get(key).copied().unwrap_or(0))
    }

    /// Remembers what the database says of a bucket.
    pub fn remember(&self, key: &str, full_at: Millis, now: Millis) {
        self.change(key, now, |known| known.max(full_at));
    }

    /// Charges one token. Requests that never reach the database are charged here only, so that this process may know of
    /// more than the database does.
    pub fn charge(&self, key: &str, shape: Shape, now: Millis) {
        let empty = now + shape.burst * shape.interval;
        self.change(key, now, |known| (known.max(now) + shape.interval).min(empty));
    }

    /// Takes one token if there is one; whether there was.
    pub fn take(&self, key: &str, shape: Shape, now: Millis) -> bool {
        let mut taken = false;
        self.change(key, now, |known| {
            taken = shape.left(known, now) > 0;
            if taken { known.max(now) + shape.interval } else { known }
        });
        taken
    }

    fn change(&self, key: &str, now: Millis, change: impl FnOnce(Millis) -> Millis) {
        let Ok(mut buckets) = self.full_at.lock() else { return };
        if buckets.len() >= CAPACITY {
            buckets.retain(|_, full_at| *full_at > now);
        }
        if buckets.len() >= CAPACITY {
            buckets.clear();
        }
        let known = buckets.entry(key.to_owned()).or_insert(0);
        *known = change(*known);
    }

    /// Whether an empty bucket has not been told of within the last minute; telling counts from now.
    pub fn is_news(&self, key: &str, now: Millis) -> bool {
        let Ok(mut noted) = self.noted_at.lock() else { return false };
        noted.retain(|_, at| *at + MINUTE > now);
        if noted.contains_key(key) || noted.len() >= CAPACITY {
            return false;
        }
        noted.insert(key.to_owned(), now);
        true
    }
}
