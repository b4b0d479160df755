//! Attack protection on a sign-in: brute force at one identifier, and addresses that fail, or sign up users, too often
//! (`docs/COMPATIBILITY.md` C554-C558, C1250-C1256).

use ringpass_core::kit::clock::Millis;
use ringpass_core::model::attack_protection::{BruteForce, Stage, SuspiciousIp};
use ringpass_core::model::connection::Connection;
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::{Asked, DbError, Tx, login_failures};

use crate::app::App;
use crate::snapshot::Snapshot;

/// What holds for one address at one identifier. Taken from the configuration before the transaction that asks it.
#[derive(Debug, Clone)]
pub struct Guard {
    connection: String,
    identifier: String,
    /// Where failures are counted; empty where all addresses are counted together.
    counted_at: String,
    max_attempts: Option<i64>,
    limits: Option<Limits>,
}

/// The buckets of an address.
#[derive(Debug, Clone)]
struct Limits {
    logins: (String, Shape),
    signups: (String, Shape),
}

/// What a try meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Free,
    /// Too many failures at this identifier.
    TooManyAttempts,
    /// Too many failures from this address.
    Suspicious,
}

/// What a try met, and what it may still do.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Whether it may go on.
    pub verdict: Verdict,
    /// Whether the address may sign up one more user.
    pub may_sign_up: bool,
    failures: i64,
}

/// What was sent ahead to learn how things stand; `None` where nothing is protected.
pub type Question = Option<Asked<login_failures::Standing>>;

/// A try that was counted.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    failures: Option<i64>,
    /// Whether others have used up what may be tried, and it must not be judged.
    pub is_over: bool,
}

/// What one more failure, or sign-up, led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alarm {
    /// The identifier is blocked from now on, after so many failures.
    pub blocked_after: Option<i64>,
    /// The address is throttled from now on, after so many failures.
    pub throttled_after: Option<i64>,
    /// The address may sign up nobody now, after so many users.
    pub crowded_after: Option<i64>,
}

impl Guard {
    /// The rules for this address at this identifier of a connection.
    pub fn of(app: &App, connection: &Connection, identifier: &str, ip: &str) -> Self {
        let snapshot = app.snapshot();
        let brute_force = snapshot.brute_force.as_ref().filter(|rule| applies(rule, connection, ip));
        let suspicious = suspicious_ip(app, &snapshot, ip);
        Self {
            connection: connection.name.clone(),
            identifier: identifier.to_owned(),
            counted_at: brute_force.filter(|rule| rule.by_address).map(|_| ip.to_owned()).unwrap_or_default(),
            max_attempts: brute_force.map(|rule| rule.max_attempts),
            limits: suspicious.map(|rule| Limits {
                logins: (logins_of(ip), shape(rule.login)),
                signups: (signups_of(ip), shape(rule.signup)),
            }),
        }
    }

    fn key(&self) -> login_failures::Key<'_> {
        login_failures::Key { connection: &self.connection, identifier: &self.identifier, ip: &self.counted_at }
    }

    /// What a try meets.
    pub fn look(&self, tx: &mut Tx<'_>, now: Millis) -> Result<Standing, DbError> {
        let asked = self.ask(tx, now)?;
        self.judge(tx, asked, now)
    }

    /// Sends ahead what [`Guard::judge`] needs: one question, or none where nothing is protected.
    pub fn ask(&self, tx: &mut Tx<'_>, now: Millis) -> Result<Question, DbError> {
        if self.max_attempts.is_none() && self.limits.is_none() {
            return Ok(None);
        }
        let keys = self.limits.as_ref().map_or(["", ""], |limits| [&limits.logins.0, &limits.signups.0]);
        login_failures::ask_standing(tx, &self.key(), keys, now).map(Some)
    }

    /// What a try meets.
    pub fn judge(&self, tx: &mut Tx<'_>, asked: Question, now: Millis) -> Result<Standing, DbError> {
        let Some(asked) = asked else {
            return Ok(Standing { verdict: Verdict::Free, may_sign_up: true, failures: 0 });
        };
        let found = tx.answer(asked)?;
        let empty = |shape: Shape, full_at| shape.left(full_at, now) == 0;
        let verdict = if self.max_attempts.is_some_and(|max| found.failures >= max) {
            Verdict::TooManyAttempts
        } else if self.limits.as_ref().is_some_and(|limits| empty(limits.logins.1, found.first_full_at)) {
            Verdict::Suspicious
        } else {
            Verdict::Free
        };
        let may_sign_up = self.limits.as_ref().is_none_or(|limits| !empty(limits.signups.1, found.second_full_at));
        Ok(Standing { verdict, may_sign_up, failures: found.failures })
    }

    /// Counts a failure.
    pub fn failed(&self, tx: &mut Tx<'_>, now: Millis) -> Result<Alarm, DbError> {
        let count = self.count(tx, now)?;
        self.alarm(tx, count, now)
    }

    /// Counts a try as a failure before it is judged: those that come at once pass here one after the other, each with a
    /// count of its own. A success forgets it again.
    pub fn count(&self, tx: &mut Tx<'_>, now: Millis) -> Result<Count, DbError> {
        let count = self.max_attempts.map(|_| login_failures::add(tx, &self.key(), now)).transpose()?;
        Ok(Count { failures: count, is_over: count > self.max_attempts })
    }

    /// What a failure that was counted sets off.
    pub fn alarm(&self, tx: &mut Tx<'_>, count: Count, now: Millis) -> Result<Alarm, DbError> {
        let blocked_after = self.max_attempts.filter(|_| count.failures == self.max_attempts);
        let mut alarm = Alarm { blocked_after, ..Alarm::default() };
        if let Some(Limits { logins: (key, shape), .. }) = &self.limits
            && let Some(full_at) = buckets::take(tx, key, *shape, now)?
            && shape.left(full_at, now) == 0
        {
            alarm.throttled_after = Some(shape.burst);
        }
        Ok(alarm)
    }

    /// Forgets the failures of a caller who succeeded after all.
    pub fn succeeded(&self, tx: &mut Tx<'_>, standing: &Standing) -> Result<(), DbError> {
        if standing.failures > 0 { self.forget(tx) } else { Ok(()) }
    }

    /// Forgets the failures, and the count of this very try with them.
    pub fn forget(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        // Without the rule nothing was counted.
        if self.max_attempts.is_some() { login_failures::clear(tx, &self.key()) } else { Ok(()) }
    }

    /// What it sets off that an address may sign up nobody now.
    pub fn crowded(&self) -> Alarm {
        Alarm { crowded_after: self.limits.as_ref().map(|limits| limits.signups.1.burst), ..Alarm::default() }
    }

    /// Counts a user whom the address signed up.
    pub fn signed_up(&self, tx: &mut Tx<'_>, now: Millis) -> Result<(), DbError> {
        let Some(Limits { signups: (key, shape), .. }) = &self.limits else { return Ok(()) };
        buckets::take_later(tx, key, *shape, now)
    }
}

/// Whether brute-force protection counts this address at all.
fn applies(rule: &BruteForce, connection: &Connection, ip: &str) -> bool {
    connection.brute_force_protection() && !rule.allowlist.contain(ip)
}

/// The rule for an address, unless limits are off or the address is left alone.
fn suspicious_ip<'s>(app: &App, snapshot: &'s Snapshot, ip: &str) -> Option<&'s SuspiciousIp> {
    let rule = snapshot.suspicious_ip.as_ref().filter(|_| app.config.limits.documented);
    rule.filter(|rule| !rule.allowlist.contain(ip))
}

fn shape(stage: Stage) -> Shape {
    Shape { burst: stage.max_attempts, interval: stage.rate }
}

fn logins_of(ip: &str) -> String {
    format!("logins|{ip}")
}

fn signups_of(ip: &str) -> String {
    format!("signups|{ip}")
}

/// Whether an address is throttled now, for failures or for sign-ups.
pub async fn is_throttled(app: &App, ip: &str) -> Result<bool, DbError> {
    let snapshot = app.snapshot();
    let Some(rule) = suspicious_ip(app, &snapshot, ip) else { return Ok(false) };
    let (logins, signups, now) =
        ((logins_of(ip), shape(rule.login)), (signups_of(ip), shape(rule.signup)), app.clock.now());
    let read = move |tx: &mut Tx<'_>| {
        for (key, shape) in [logins, signups] {
            if buckets::get(tx, &key)?.is_some_and(|full_at| shape.left(full_at, now) == 0) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    app.db.read("guard.is_throttled", read).await
}

/// Lets an address try again at once.
pub fn release(tx: &mut Tx<'_>, ip: &str) -> Result<(), DbError> {
    buckets::fill(tx, &logins_of(ip))?;
    buckets::fill(tx, &signups_of(ip))?;
    Ok(())
}
