//! Redeems a code: one transaction counts the try, finds or creates the user and records the grant (C440-C443).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::user::User;
use ringpass_core::storage::codes::{self, Try};
use ringpass_core::storage::{DbError, Tx, identities, users};

use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::grant::Refused;
use crate::flows::guard::{Alarm, Guard, Standing, Verdict};
use crate::flows::wrong_codes;
use crate::snapshot::Channel;

use super::events::{alarms, not_exchanged, not_signed_up, signed_in, signed_up, waiting};
use super::{code_hash, key};

/// A code to be redeemed.
#[derive(Debug)]
pub struct Verify {
    /// Who asks.
    pub client: Arc<Client>,
    /// The connection.
    pub channel: Arc<Channel>,
    /// The number or address, exactly as it was sent to the start; `None` when what was sent can be neither.
    pub identifier: Option<Identifier>,
    /// What the person typed.
    pub code: String,
    /// Audience and scope asked for, for the log.
    pub audience: String,
    /// Scope granted if the code is right, before the user's permissions are known; for the log.
    pub scope: String,
    /// Who calls.
    pub caller: Caller,
    /// What it is redeemed for.
    pub way: Way,
    /// Hash of the browser that a page was shown to, if it is known by a cookie.
    pub browser: Option<String>,
}

/// What a code is redeemed for; the log tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Tokens, or a session of the hosted pages.
    Tokens,
    /// A ticket for an application's own page.
    Ticket,
    /// A session that a link, or an application's own page, begins; and the endpoint that old applications use.
    Link,
}

impl Way {
    /// Types of the event of success and of failure.
    pub(super) fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::Tokens => ("s", "fepotpft"),
            Self::Ticket => ("scoa", "fcoa"),
            Self::Link => ("s", "f"),
        }
    }
}

impl Verify {
    /// The number or address; empty when there is none.
    pub(super) fn username(&self) -> &str {
        self.identifier.as_ref().map(Identifier::as_str).unwrap_or_default()
    }
}

/// What a right code has led to, as the door that redeemed it recorded it.
#[derive(Debug)]
pub struct Issued<T> {
    /// Scope granted, for the log.
    pub scope: String,
    /// The browser session that the person is in now, for the log; `None` at the token endpoint.
    pub session_id: Option<String>,
    /// Whether the sign-in is not complete yet: it waits for a second factor.
    pub waits: bool,
    /// Whatever the door goes on with.
    pub value: T,
}

/// Redeems a code: counts the try, finds or creates the user, and lets `issue` write what the door records, all in one
/// transaction.
pub async fn verify<T, F>(app: &App, verify: Verify, issue: F) -> Result<(User, T), Refused>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>, &User) -> Result<Issued<T>, DbError> + Clone + Send + 'static,
{
    let now = app.clock.now();
    let hash = hash_of_guess(app, &verify);
    let guard = Guard::of(app, &verify.channel.connection, verify.username(), &verify.caller.ip);
    let (journal, rng, verify) = (app.journal.clone(), app.rng.clone(), Arc::new(verify));
    let work = move |tx: &mut Tx<'_>| match redeem(tx, &verify, &guard, &hash, &rng, now)? {
        Ok((mut user, created)) => {
            let issued = issue(tx, &user)?;
            // A ticket counts when it begins its session, and a first factor when the second is proven.
            let counts = !issued.waits && verify.way != Way::Ticket;
            if counts {
                user.signed_in(&verify.caller.ip, now);
            }
            if created {
                users::insert_later(tx, &user)?;
                journal.write(tx, signed_up(&verify, &user, &journal))?;
            } else if counts {
                users::record_sign_in(tx, &user)?;
            }
            let event = if issued.waits {
                waiting(&verify, &user, &issued.scope)
            } else {
                signed_in(&verify, &user, &issued.scope, issued.session_id.as_deref())
            };
            journal.write(tx, event)?;
            Ok(Ok((user, issued.value)))
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
    match app.db.write_behind("passwordless.verify", work.clone()).await {
        // Somebody made the same user at this very moment; now it is found.
        Err(DbError::Conflict) => app.db.write_behind("passwordless.verify", work).await?,
        outcome => outcome?,
    }
}

/// Tells whether a code is right. A wrong one counts as a try; a right one stays good.
pub async fn check(app: &App, verify: Verify) -> Result<(), Refused> {
    let now = app.clock.now();
    let hash = hash_of_guess(app, &verify);
    let guard = Guard::of(app, &verify.channel.connection, verify.username(), &verify.caller.ip);
    let journal = app.journal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let tried = try_code(tx, &verify, &guard, &hash, false, now)?;
        let strategy = verify.channel.connection.strategy;
        let (refused, alarm) = match tried.map(|tried| tried.outcome) {
            Ok(Try::Right) => return Ok(Ok(())),
            Ok(Try::Wrong | Try::Absent) => (Refused::WrongCode(strategy), guard.failed(tx, now)?),
            Ok(Try::Exhausted | Try::Dead) => (Refused::MaxAttempts, guard.failed(tx, now)?),
            Ok(Try::Expired) => (Refused::CodeExpired, guard.failed(tx, now)?),
            Err(refused) => (refused, Alarm::default()),
        };
        journal.write(tx, not_exchanged(&verify, &refused))?;
        for event in alarms(&verify, alarm) {
            journal.write(tx, event)?;
        }
        Ok(Err(refused))
    };
    app.db.write("passwordless.check", work).await?
}

/// The hash of what was typed, or came with a link; empty, which is no code's hash, for what can be no code.
fn hash_of_guess(app: &App, verify: &Verify) -> String {
    let guess = verify.code.trim();
    let fits =
        !guess.is_empty() && guess.len() <= LONGEST_CODE && guess.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match &verify.identifier {
        Some(identifier) if fits => code_hash(&app.hash_key, &verify.channel, identifier, guess),
        _ => String::new(),
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
    let connection = &verify.channel.connection;
    let Tried { outcome, identifier, standing, known } = match try_code(tx, verify, guard, hash, true, now)? {
        Ok(tried) => tried,
        Err(refused) => return refuse(refused),
    };
    let refused = match outcome {
        Try::Right if known.is_none() && connection.disable_signup() => return refuse(Refused::SignupDisabled),
        // Only now: before the right code an answer must not tell whether there is a user.
        Try::Right if known.is_none() && !standing.may_sign_up => {
            return Ok(Err((Refused::SuspiciousAddress, guard.crowded())));
        }
        Try::Right => {
            guard.succeeded(tx, &standing)?;
            let (user, created) = found_or_made(tx, (verify, identifier), known, rng, now)?;
            if created {
                guard.signed_up(tx, now)?;
            }
            return Ok(Ok((user, created)));
        }
        Try::Wrong | Try::Absent => Refused::WrongCode(connection.strategy),
        Try::Exhausted | Try::Dead => Refused::MaxAttempts,
        Try::Expired => Refused::CodeExpired,
    };
    Ok(Err((refused, guard.failed(tx, now)?)))
}

/// What a try at a code has come to, whose it is, how they stand with attack protection, and the user, if there is one.
struct Tried<'v> {
    outcome: Try,
    identifier: &'v Identifier,
    standing: Standing,
    known: Option<User>,
}

/// Tries the code, and uses it up if it is right and `consumes` says so. The code's row is locked before anything that counts
/// wrong codes is looked at, so that of simultaneous tries each sees those before it.
fn try_code<'v>(
    tx: &mut Tx<'_>,
    verify: &'v Verify,
    guard: &Guard,
    hash: &str,
    consumes: bool,
    now: Millis,
) -> Result<Result<Tried<'v>, Refused>, DbError> {
    let connection = &verify.channel.connection;
    let Some(identifier) = &verify.identifier else {
        // No code was ever sent there, and what is no number or address is no attempt at one.
        return Ok(Err(Refused::WrongCode(connection.strategy)));
    };
    let key = key(&verify.channel, identifier);
    let held = codes::hold(tx, &key, now)?;
    let (standing, known) = (guard.ask(tx, now)?, users::ask_by(tx, &connection.name, identifier)?);
    let tally = wrong_codes::ask(tx, &connection.id, identifier)?;
    let held = codes::held(tx, held)?;
    let standing = guard.judge(tx, standing, now)?;
    let known = users::found(tx, known)?;
    if let Some(refused) = refusal(&standing, known.as_ref()) {
        codes::give_back(tx, &key, held.as_ref())?;
        return Ok(Err(refused));
    }
    let Some(tally) = tally.judge(tx, known.as_ref(), verify.browser.as_deref(), now)? else {
        return Ok(Err(Refused::TooManyAttempts));
    };
    let outcome = codes::judge(tx, &key, held, hash, consumes, now)?;
    if matches!(outcome, Try::Wrong | Try::Exhausted) {
        wrong_codes::count(tx, &tally, now)?;
    }
    Ok(Ok(Tried { outcome, identifier, standing, known }))
}

/// Why there may be no try, whatever the code.
fn refusal(standing: &Standing, known: Option<&User>) -> Option<Refused> {
    match standing.verdict {
        Verdict::TooManyAttempts => Some(Refused::TooManyAttempts),
        Verdict::Suspicious => Some(Refused::SuspiciousAddress),
        Verdict::Free => known.is_some_and(User::is_blocked).then_some(Refused::UserBlocked),
    }
}

/// The user, who is made at the first right code; the code has confirmed the number or address.
fn found_or_made(
    tx: &mut Tx<'_>,
    (verify, identifier): (&Verify, &Identifier),
    known: Option<User>,
    rng: &Rng,
    now: Millis,
) -> Result<(User, bool), DbError> {
    let connection = &verify.channel.connection.name;
    let Some(mut user) = known else {
        return Ok((User::of(connection, identifier, rng, now), true));
    };
    if user.owns(connection, identifier) {
        user.confirm(identifier);
    } else {
        identities::confirm(tx, connection, identifier)?;
    }
    Ok((user, false))
}

/// Characters of the longest code there is, which stands in links.
const LONGEST_CODE: usize = 64;
