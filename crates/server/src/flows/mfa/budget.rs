//! What a person, a number and an address may cost: messages, and wrong codes (`docs/COMPATIBILITY.md` C1790-C1794).

use ringpass_core::kit::clock::{HOUR, MINUTE, Millis};
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::phone_backoffs;
use ringpass_core::storage::{DbError, Tx};

use super::Claimant;
use crate::app::App;
use crate::flows::wrong_codes;

/// Messages and calls to one user: ten at once, then one an hour.
const OF_USER: Shape = Shape { burst: 10, interval: HOUR };
/// To one number, whoever asks.
const TO_NUMBER: Shape = Shape { burst: 10, interval: 6 * MINUTE };
/// From one address, whomever they go to.
const FROM_ADDRESS: Shape = Shape { burst: 20, interval: 3 * MINUTE };
/// Definite failures of one user that give their token back.
const FAILURES: Shape = Shape { burst: 20, interval: 3 * MINUTE };
/// Mails to one user: five in five minutes. Mails of twenty, then one a minute, can never be stricter.
const MAILS: Shape = Shape { burst: 5, interval: MINUTE };
/// Tries at an authenticator application: five in five minutes; a right one costs nothing.
const APPLICATION: Shape = Shape { burst: 5, interval: MINUTE };
/// Wrong codes: ten at once, then one in six minutes.
const WRONG: Shape = Shape { burst: 10, interval: 6 * MINUTE };

/// What one message to a phone is paid from.
#[derive(Debug, Clone)]
pub(super) struct Message {
    user_id: String,
    of_user: OfUser,
    others: [(String, Shape); 2],
}

/// What a user's messages are spaced by, as the tenant wishes.
#[derive(Debug, Clone)]
enum OfUser {
    /// So many in an hour.
    Bucket(String),
    /// Each waits longer than the one before; the byte is chance.
    Backoff(u8),
}

impl Message {
    pub(super) fn of(app: &App, claimant: &Claimant, number: &str) -> Self {
        let user_id = claimant.user.user_id.clone();
        let of_user = if app.snapshot().exponential_messages {
            let [chance] = app.rng.bytes::<1>();
            OfUser::Backoff(chance)
        } else {
            OfUser::Bucket(format!("mfa-message|{user_id}"))
        };
        Self {
            of_user,
            user_id,
            others: [
                (format!("mfa-message-to|{number}"), TO_NUMBER),
                (format!("mfa-message-from|{}", claimant.caller.ip), FROM_ADDRESS),
            ],
        }
    }

    fn buckets(&self) -> impl Iterator<Item = (&str, Shape)> {
        let of_user = match &self.of_user {
            OfUser::Bucket(key) => Some((key.as_str(), OF_USER)),
            OfUser::Backoff(_) => None,
        };
        of_user.into_iter().chain(self.others.iter().map(|(key, shape)| (key.as_str(), *shape)))
    }

    /// Takes one of each; `false`, and nothing is taken, when one has none.
    pub(super) fn take(&self, tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
        if let OfUser::Backoff(chance) = self.of_user {
            let Some(standing) = phone_backoffs::get_for_update(tx, &self.user_id)?.sent(chance, now) else {
                return Ok(false);
            };
            phone_backoffs::put(tx, &self.user_id, &standing)?;
        }
        let asked: Result<Vec<_>, DbError> =
            self.buckets().map(|(key, shape)| buckets::ask_to_take(tx, key, shape, now)).collect();
        let taken: Result<Vec<bool>, DbError> = asked?.into_iter().map(|it| Ok(tx.answer(it)?.is_some())).collect();
        let taken = taken?;
        let all = taken.iter().all(|taken| *taken);
        if !all {
            for ((key, shape), _) in self.buckets().zip(taken).filter(|(_, taken)| *taken) {
                buckets::give_back(tx, key, shape)?;
            }
            self.take_back(tx)?;
        }
        Ok(all)
    }

    /// Gives everything back: nothing was sent.
    pub(super) fn back(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (key, shape) in self.buckets() {
            buckets::give_back(tx, key, shape)?;
        }
        self.take_back(tx)
    }

    /// Gives the user's part back after a definite failure, as long as there are not too many of them.
    pub(super) fn failed(&self, tx: &mut Tx<'_>, now: Millis) -> Result<(), DbError> {
        let failures = format!("mfa-message-failed|{}", self.user_id);
        if buckets::take(tx, &failures, FAILURES, now)?.is_none() {
            return Ok(());
        }
        match &self.of_user {
            OfUser::Bucket(key) => buckets::give_back(tx, key, OF_USER),
            OfUser::Backoff(_) => self.take_back(tx),
        }
    }

    fn take_back(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        if let OfUser::Backoff(_) = self.of_user {
            let standing = phone_backoffs::get_for_update(tx, &self.user_id)?;
            phone_backoffs::put(tx, &self.user_id, &standing.taken_back())?;
        }
        Ok(())
    }
}

/// Takes one of a user's mails.
pub(super) fn take_mail(tx: &mut Tx<'_>, claimant: &Claimant, now: Millis) -> Result<bool, DbError> {
    let key = format!("mfa-mail|{}", claimant.user.user_id);
    Ok(buckets::take(tx, &key, MAILS, now)?.is_some())
}

/// What a wrong code is paid from. Whoever tries holds the user's row ([`super::prove`]), so the buckets may be looked at first
/// and charged afterwards: of simultaneous tries no more are looked at than they hold, and a right one writes nothing.
#[derive(Debug, Clone)]
pub(super) struct Try {
    /// What everybody pays from.
    general: Purse,
    /// What a browser pays from, once the general one is empty, on which this user has proven a second factor before.
    own: Option<Purse>,
}

/// The buckets of one payer.
#[derive(Debug, Clone)]
pub(super) struct Purse(Vec<(String, Shape)>);

impl Try {
    /// Tries at codes that were sent, and at recovery codes, which have a bucket of their own.
    pub(super) fn of(claimant: &Claimant, kind: &str) -> Self {
        Self::paid_from(claimant, &[(&format!("wrong-{kind}"), WRONG)])
    }

    /// Tries at an authenticator application, which besides come one after the other.
    pub(super) fn of_application(claimant: &Claimant) -> Self {
        Self::paid_from(claimant, &[("wrong-code", WRONG), ("application", APPLICATION)])
    }

    fn paid_from(claimant: &Claimant, few: &[(&str, Shape)]) -> Self {
        let day = ("wrong-day", wrong_codes::OF_DAY);
        let purse = |who: &str| {
            let buckets = few.iter().chain([&day]);
            Purse(buckets.map(|(name, shape)| (format!("mfa-{name}|{who}"), *shape)).collect())
        };
        let user_id = &claimant.user.user_id;
        let own = claimant.browser.as_ref().map(|browser| purse(&format!("{user_id}|{browser}")));
        Self { general: purse(user_id), own }
    }

    /// What one more wrong code would be paid from; nothing when there may be no try.
    pub(super) fn begin(self, tx: &mut Tx<'_>, now: Millis) -> Result<Option<Purse>, DbError> {
        if self.general.has_left(tx, now)? {
            return Ok(Some(self.general));
        }
        match self.own {
            Some(own) if own.has_left(tx, now)? => Ok(Some(own)),
            _ => Ok(None),
        }
    }
}

impl Purse {
    fn has_left(&self, tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
        let asked: Vec<_> = self.0.iter().map(|(key, _)| buckets::ask(tx, key)).collect::<Result<_, _>>()?;
        let mut has_left = true;
        for (asked, (_, shape)) in asked.into_iter().zip(&self.0) {
            has_left &= shape.left(tx.answer(asked)?.unwrap_or(now), now) > 0;
        }
        Ok(has_left)
    }

    /// The code was wrong.
    pub(super) fn wrong(&self, tx: &mut Tx<'_>, now: Millis) -> Result<(), DbError> {
        self.0.iter().try_for_each(|(key, shape)| buckets::take_later(tx, key, *shape, now))
    }
}
