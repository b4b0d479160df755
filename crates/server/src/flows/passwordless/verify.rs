//! Redeems a code: one transaction counts the try, finds or creates the user and records the grant (C440-C443).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::user::User;
use ringpass_core::storage::codes::{self, Try};
use ringpass_core::storage::{DbError, Tx, identities, users};

use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::grant::{Granted, Refused};
use crate::flows::guard::{Alarm, Guard, Verdict};
use crate::snapshot::Channel;

use super::events::{alarms, not_exchanged, not_signed_up, signed_in, signed_up};
use super::{code_hash, key};
/// A code to be redeemed for tokens.
#[derive(Debug)]
pub struct Verify {
    /// Who asks.
    pub client: Arc<Client>,
    /// The SMS connection.
    pub channel: Arc<Channel>,
    /// The number, exactly as it was sent to the start; empty when what was sent is no number.
    pub username: String,
    /// What the person typed.
    pub code: String,
    /// Audience and scope asked for, for the log.
    pub audience: String,
    /// Scope granted if the code is right, before the user's permissions are known.
    pub scope: String,
    /// Who calls.
    pub caller: Caller,
}

/// Redeems a code: counts the try, finds or creates the user, and lets `issue` write the grant, all in one transaction.
pub async fn verify<F>(app: &App, verify: Verify, issue: F) -> Result<(User, Granted), Refused>
where
    F: Fn(&mut Tx<'_>, &User) -> Result<Granted, DbError> + Clone + Send + 'static,
{
    let now = app.clock.now();
    let guess = verify.code.trim();
    let well_formed = !guess.is_empty() && guess.len() <= 10 && guess.bytes().all(|byte| byte.is_ascii_digit());
    let hash =
        if well_formed { code_hash(&app.hash_key, &verify.channel, &verify.username, guess) } else { String::new() };
    let guard = Guard::of(app, &verify.channel.connection, &verify.username, &verify.caller.ip);
    let (journal, rng, verify) = (app.journal.clone(), app.rng.clone(), Arc::new(verify));
    let work = move |tx: &mut Tx<'_>| match redeem(tx, &verify, &guard, &hash, &rng, now)? {
        Ok((user, created)) => {
            let granted = issue(tx, &user)?;
            if created {
                journal.write(tx, signed_up(&verify, &user, &journal))?;
            }
            journal.write(tx, signed_in(&verify, &user, &granted))?;
            Ok(Ok((user, granted)))
        }
        Err((refused, alarm)) => {
            journal.write(tx, not_exchanged(&verify, &refused))?;
            if matches!(refused, Refused::SignupDisabled) {
                journal.write(tx, not_signed_up(&verify))?;
            }
            for event in alarms(&verify, alarm) {
                journal.write(tx, event)?;
            }
            Ok(Err(refused))
        }
    };
    match app.db.write("passwordless.verify", work.clone()).await {
        // Somebody made the same user at this very moment; now it is found.
        Err(DbError::Conflict) => app.db.write("passwordless.verify", work).await?,
        outcome => outcome?,
    }
}

/// The user and whether it is new, or the refusal and what it set off.
type Redeemed = Result<(User, bool), (Refused, Alarm)>;

fn redeem(
    tx: &mut Tx<'_>,
    verify: &Verify,
    guard: &Guard,
    hash: &str,
    rng: &Rng,
    now: Millis,
) -> Result<Redeemed, DbError> {
    let refuse = |refused| Ok(Err((refused, Alarm::default())));
    if verify.username.is_empty() {
        // No code was ever sent there, and what is no number is no attempt at one.
        return refuse(Refused::WrongCode);
    }
    let connection = &verify.channel.connection;
    let (standing, known) = (guard.ask(tx, now)?, users::ask_by_phone(tx, &connection.name, &verify.username)?);
    let standing = guard.judge(tx, standing, now)?;
    match standing.verdict {
        Verdict::Free => {}
        Verdict::TooManyAttempts => return refuse(Refused::TooManyAttempts),
        Verdict::Suspicious => return refuse(Refused::SuspiciousAddress),
    }
    let known = users::found_by_phone(tx, known)?;
    if known.as_ref().is_some_and(User::is_blocked) {
        return refuse(Refused::UserBlocked);
    }
    let refused = match codes::consume(tx, &key(&verify.channel, &verify.username), hash, now)? {
        Try::Right if known.is_none() && connection.disable_signup() => return refuse(Refused::SignupDisabled),
        // Only now: before the right code an answer must not tell whether the number has a user.
        Try::Right if known.is_none() && !standing.may_sign_up => {
            return Ok(Err((Refused::SuspiciousAddress, guard.crowded())));
        }
        Try::Right => {
            guard.succeeded(tx, &standing)?;
            let (user, created) = sign_in(tx, verify, known, rng, now)?;
            if created {
                guard.signed_up(tx, now)?;
            }
            return Ok(Ok((user, created)));
        }
        Try::Wrong => Refused::WrongCode,
        Try::Exhausted => Refused::MaxAttempts,
        Try::Expired => Refused::CodeExpired,
    };
    Ok(Err((refused, guard.failed(tx, now)?)))
}

/// Notes the sign-in on the user, who is created at the first one.
fn sign_in(
    tx: &mut Tx<'_>,
    verify: &Verify,
    known: Option<User>,
    rng: &Rng,
    now: Millis,
) -> Result<(User, bool), DbError> {
    let connection = &verify.channel.connection.name;
    let Some(mut user) = known else {
        let mut user = User::of_phone(connection, &verify.username, rng, now);
        user.signed_in(&verify.caller.ip, now);
        users::insert_later(tx, &user)?;
        return Ok((user, true));
    };
    if user.connection == *connection && user.phone_number.as_ref() == Some(&verify.username) {
        user.phone_verified = Some(true);
    } else {
        // The number belongs to an identity linked to this user.
        identities::confirm_phone(tx, connection, &verify.username)?;
    }
    user.signed_in(&verify.caller.ip, now);
    users::record_sign_in(tx, &user)?;
    Ok((user, false))
}
