//! What a person, a number and an address may cost: messages, and wrong codes (`docs/COMPATIBILITY.md` C1790-C1794).

use ringpass_core::kit::clock::{HOUR, MINUTE, Millis};
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::{DbError, Tx};

use super::Claimant;
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

/// The keys of the buckets that one message to a phone is paid from.
#[derive(Debug, Clone)]
pub(super) struct Message([(String, Shape); 3]);

impl Message {
    pub(super) fn of(claimant: &Claimant, number: &str) -> Self {
        Self([
            (format!("mfa-message|{}", claimant.user.user_id), OF_USER),
            (format!("mfa-message-to|{number}"), TO_NUMBER),
            (format!("mfa-message-from|{}", claimant.caller.ip), FROM_ADDRESS),
        ])
    }

    /// Takes one of each; `false`, and nothing is taken, when one is empty.
    pub(super) fn take(&self, tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
        let asked: Result<Vec<_>, DbError> =
            self.0.iter().map(|(key, shape)| buckets::ask_to_take(tx, key, *shape, now)).collect();
        let taken: Result<Vec<bool>, DbError> = asked?.into_iter().map(|it| Ok(tx.answer(it)?.is_some())).collect();
        let taken = taken?;
        let all = taken.iter().all(|taken| *taken);
        for ((key, shape), _) in self.0.iter().zip(taken).filter(|(_, taken)| *taken && !all) {
            buckets::give_back(tx, key, *shape)?;
        }
        Ok(all)
    }

    /// Gives the user's token back after a definite failure, as long as there are not too many of them.
    pub(super) fn failed(&self, tx: &mut Tx<'_>, claimant: &Claimant, now: Millis) -> Result<(), DbError> {
        let failures = format!("mfa-message-failed|{}", claimant.user.user_id);
        if buckets::take(tx, &failures, FAILURES, now)?.is_none() {
            return Ok(());
        }
        let [(key, shape), ..] = &self.0;
        buckets::give_back(tx, key, *shape)
    }
}

/// Takes one of a user's mails.
pub(super) fn take_mail(tx: &mut Tx<'_>, claimant: &Claimant, now: Millis) -> Result<bool, DbError> {
    let key = format!("mfa-mail|{}", claimant.user.user_id);
    Ok(buckets::take(tx, &key, MAILS, now)?.is_some())
}

/// What a try at a code is paid from. The first bucket is taken before the code is looked at and given back when it is
/// right: it locks, so of simultaneous tries no more are looked at than it holds.
#[derive(Debug, Clone)]
pub(super) struct Try {
    few: (String, Shape),
    day: String,
}

impl Try {
    /// Tries at codes that were sent, and at recovery codes, which have a bucket of their own.
    pub(super) fn of(claimant: &Claimant, kind: &str) -> Self {
        let who = match &claimant.browser {
            // A browser that the user is known by pays for itself.
            Some(browser) => format!("{}|{browser}", claimant.user.user_id),
            None => claimant.user.user_id.clone(),
        };
        Self { few: (format!("mfa-wrong-{kind}|{who}"), WRONG), day: format!("mfa-wrong-day|{who}") }
    }

    /// The bucket that tries at an authenticator application take as well.
    pub(super) fn of_application(claimant: &Claimant) -> (String, Shape) {
        (format!("mfa-application|{}", claimant.user.user_id), APPLICATION)
    }

    /// Whether there may be one more try.
    pub(super) fn begin(&self, tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
        let (few, day) = (buckets::ask_to_take(tx, &self.few.0, self.few.1, now)?, buckets::ask(tx, &self.day)?);
        let (few, day) = (tx.answer(few)?, tx.answer(day)?);
        if few.is_none() {
            return Ok(false);
        }
        let full_at = day.unwrap_or(now);
        if wrong_codes::OF_DAY.left(full_at, now) == 0 {
            buckets::give_back(tx, &self.few.0, self.few.1)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// The code was right.
    pub(super) fn right(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        buckets::give_back(tx, &self.few.0, self.few.1)
    }

    /// The code was wrong.
    pub(super) fn wrong(&self, tx: &mut Tx<'_>, now: Millis) -> Result<(), DbError> {
        wrong_codes::count(tx, &self.day, now)
    }
}
