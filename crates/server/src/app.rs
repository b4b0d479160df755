//! The bag of handles that every floor above it shares, and the two ways to the configuration: look, and change.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::ids::Sequence;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use ringpass_core::outbound::Outbound;
use ringpass_core::storage::{Db, DbError, Tx, settings};
use tokio_util::task::TaskTracker;

use crate::compute::{Compute, NotDone};
use crate::config::Config;
use crate::flows::limits::Memory;
use crate::flows::record::Journal;
use crate::snapshot::{Audiences, Snapshot};
use crate::turns::Turns;

/// Everything a request may need. Shared behind an `Arc`.
#[derive(Debug)]
pub struct App {
    /// Settings of the process.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// The outbound client.
    pub outbound: Outbound,
    /// Hashes codes and tokens for storage.
    pub hash_key: MacKey,
    /// Writes the tenant log.
    pub journal: Journal,
    /// What this process knows of the rate-limit buckets.
    pub buckets: Memory,
    /// Names of requests, for the process log.
    pub request_ids: Sequence,
    /// Requests under way; the stop waits for them.
    pub tasks: TaskTracker,
    /// Exchanges under way.
    pub turns: Turns,
    /// Where mail and the built-in sender's texts go while nothing else carries them; only `ringpass dev` has one.
    pub inbox: OnceLock<Inbox>,
    snapshot: ArcSwap<Snapshot>,
    compute: Compute,
}

/// The door behind which `ringpass dev` keeps what nothing else carries.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// Its address.
    pub url: String,
    /// The whole `Authorization` header that it wants.
    pub authorization: Secret,
}

impl App {
    /// Puts the handles together around an open, set-up database.
    pub async fn new(config: Config, db: Db, clock: Clock, rng: Rng, outbound: Outbound) -> Result<Self, DbError> {
        let audiences = Audiences::of(&config);
        let draw = rng.clone();
        let hash_key = db.write("app.hash_key", move |tx| settings::hash_key(tx, &draw)).await?;
        let snapshot = db.read("app.snapshot", move |tx| Snapshot::read(tx, &audiences)).await?;
        let host = config.http.public_url.host_str().unwrap_or_default().to_owned();
        let journal =
            Journal { clock: clock.clone(), rng: rng.clone(), tenant: config.http.tenant().into(), host: host.into() };
        Ok(Self {
            config,
            db,
            clock,
            rng,
            outbound,
            hash_key,
            journal,
            buckets: Memory::default(),
            // Not drawn from `rng`: what a seed makes in a test does not depend on it.
            request_ids: Sequence::new(&Rng::system()),
            tasks: TaskTracker::new(),
            turns: Turns::new(crate::compute::cores()),
            inbox: OnceLock::new(),
            snapshot: ArcSwap::from_pointee(snapshot),
            compute: Compute::start()
                .map_err(|error| DbError::Unavailable(format!("cannot start a thread: {error}")))?,
        })
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Looks something up, and once more after a refresh when it is not there: another node may have just written it.
    pub async fn find<T>(&self, look: impl Fn(&Snapshot) -> Option<T>) -> Result<Option<T>, DbError> {
        if let Some(found) = look(&self.snapshot()) {
            return Ok(Some(found));
        }
        self.refresh().await?;
        // Another request may have put a newer snapshot in place since the first look.
        Ok(look(&self.snapshot()))
    }

    /// Changes configuration: `work` in a write transaction that also moves the version; the new snapshot is in force
    /// before this returns.
    pub async fn configure<T, F>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let done = self
            .db
            .write(name, move |tx| {
                settings::bump_version(tx)?;
                work(tx)
            })
            .await?;
        self.reload().await?;
        Ok(done)
    }

    /// Reads the configuration again if its version has moved; whether it had.
    pub async fn refresh(&self) -> Result<bool, DbError> {
        let version = self.db.read("app.version", settings::version).await?;
        if version == self.snapshot.load().version {
            return Ok(false);
        }
        self.reload().await?;
        Ok(true)
    }

    async fn reload(&self) -> Result<(), DbError> {
        let audiences = Audiences::of(&self.config);
        let fresh = Arc::new(self.db.read("app.snapshot", move |tx| Snapshot::read(tx, &audiences)).await?);
        self.snapshot.rcu(|known| if known.version > fresh.version { Arc::clone(known) } else { Arc::clone(&fresh) });
        Ok(())
    }

    /// Runs CPU-heavy work (signatures, keys) where it cannot starve the reactor. `None` when it panicked.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let span = tracing::Span::current();
        self.compute.run(move || span.in_scope(work)).await
    }

    /// How many password hashes this process has taken on.
    pub fn hashes(&self) -> u64 {
        self.compute.hashes()
    }

    /// Runs what hashes a password there, unless too many wait already.
    pub async fn hash<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let span = tracing::Span::current();
        self.compute.hash(move || span.in_scope(work)).await
    }
}
