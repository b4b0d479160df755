//! Signs in by password, for the token endpoint and for pages (`docs/COMPATIBILITY.md` C1200-C1208).
//!
//! A password takes long to verify, so it is done between two transactions: one that finds the hash, one that counts the
//! try and records the grant. The second looks again: a password that was changed meanwhile is verified anew, and of many
//! guesses at once no more are believed than brute-force protection allows.

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::password;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::phone::Phone;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, passwords, users};
use serde_json::json;

use super::caller::Caller;
use super::grant::Refused;
use super::guard::{Alarm, Guard, Standing, Verdict};
use super::passwordless::Issued;
use super::record;
use crate::app::App;
use crate::compute::NotDone;
use crate::snapshot::Channel;

/// Where a password was typed, which decides what the log calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The token endpoint: `sepft`, and `fepft` beside what was wrong.
    Grant,
    /// A page of this server, or one that embeds its sign-in: `s`, and `f` where it is not the password that is wrong.
    Page,
    /// A page of the application, for a ticket: `scoa`, and `fcoa`.
    Ticket,
}

/// A name and a password that somebody signs in with.
#[derive(Debug, Clone)]
pub struct Login {
    /// Where it was typed.
    pub door: Door,
    /// Who asks.
    pub client: Arc<Client>,
    /// The database.
    pub channel: Arc<Channel>,
    /// E-mail address, user name or phone number, as it was typed.
    pub username: String,
    /// What the person typed.
    pub password: Secret,
    /// Audience asked for, for the log.
    pub audience: String,
    /// Scope granted if the password is right, before the user's permissions are known.
    pub scope: String,
    /// Who calls.
    pub caller: Caller,
}

/// Verifies a password and signs its user in; `issue` writes what the door records in the transaction of the sign-in.
pub async fn sign_in<T, F>(app: &App, login: Login, issue: F) -> Result<(User, T), Refused>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>, &User) -> Result<Issued<T>, DbError> + Send + Sync + 'static,
{
    let guard = Guard::of(app, &login.channel.connection, &login.username, &login.caller.ip);
    let (login, issue) = (Arc::new(login), Arc::new(issue));
    for _ in 0..TURNS {
        let (looked, by, now) = (Arc::clone(&login), guard.clone(), app.clock.now());
        let known = app.db.read("password.look", move |tx| look(tx, &looked, &by, now)).await?;
        let judged = match known {
            Known::Nothing => Judged { hash: None, is_right: false, better: None },
            Known::Hash(hash) => judge(app, &login, hash).await?,
        };
        let turn = Turn { login: Arc::clone(&login), guard: guard.clone(), judged, now };
        let journal = app.journal.clone();
        let issue = Arc::clone(&issue);
        let outcome = app.db.write_behind("password.sign_in", move |tx| {
            let outcome = turn.settle(tx)?;
            let mut events = Vec::new();
            let answer = match outcome {
                Outcome::Stale => return Ok(None),
                Outcome::In(mut user) => {
                    let issued = issue(tx, &user)?;
                    if issued.waits {
                        events.push(turn.login.waiting(&user, &issued.scope));
                    } else {
                        if turn.login.door != Door::Ticket {
                            user.signed_in(&turn.login.caller.ip, now);
                            users::record_sign_in(tx, &user)?;
                        }
                        events.push(turn.login.done(&user, &issued.scope, issued.session_id.as_deref()));
                    }
                    Ok((*user, issued.value))
                }
                Outcome::Refused { why, is_known, alarm } => {
                    events.extend(turn.login.failed(&why, is_known));
                    events.extend(turn.login.alarms(alarm));
                    Err(why)
                }
            };
            for event in events {
                journal.write(tx, event)?;
            }
            Ok(Some(answer))
        });
        if let Some(answer) = outcome.await? {
            return answer;
        }
    }
    Err(DbError::Unavailable("the password was changed again and again".into()).into())
}

/// What is known before the password is looked at.
enum Known {
    /// No password is looked at: attack protection refuses the try, or the name cannot be one. Nothing counts such tries,
    /// so they must cost nothing either.
    Nothing,
    /// The hash on record, if there is one.
    Hash(Option<String>),
}

fn look(tx: &mut Tx<'_>, login: &Login, guard: &Guard, now: Millis) -> Result<Known, DbError> {
    if login.username.is_empty() || login.refused(tx, guard, now)?.is_err() {
        return Ok(Known::Nothing);
    }
    Ok(Known::Hash(login.find(tx)?.and_then(|found| found.identity.password_hash)))
}

/// What the password came to.
struct Judged {
    /// The hash it was held against.
    hash: Option<String>,
    is_right: bool,
    /// What replaces the hash.
    better: Option<String>,
}

/// Holds the password against the hash, or against one that nothing opens, so that a user who is not there costs as much.
async fn judge(app: &App, login: &Arc<Login>, hash: Option<String>) -> Result<Judged, NotDone> {
    let (login, rng): (Arc<Login>, Rng) = (Arc::clone(login), app.rng.clone());
    app.hash(move || {
        let is_right = password::verify(&login.password, hash.as_deref().unwrap_or(password::NOBODY)) && hash.is_some();
        let is_old = hash.as_deref().is_some_and(|hash| !password::is_current(hash));
        let better = if is_right && is_old { password::hash(&login.password, &rng) } else { None };
        Judged { hash, is_right, better }
    })
    .await
}

struct Turn {
    login: Arc<Login>,
    guard: Guard,
    judged: Judged,
    now: Millis,
}

enum Outcome {
    /// The password was changed meanwhile.
    Stale,
    In(Box<User>),
    Refused {
        why: Refused,
        is_known: bool,
        alarm: Alarm,
    },
}

impl Turn {
    fn settle(&self, tx: &mut Tx<'_>) -> Result<Outcome, DbError> {
        let Self { login, guard, judged, now } = self;
        let refuse = |why| Ok(Outcome::Refused { why, is_known: true, alarm: Alarm::default() });
        let standing = match login.refused(tx, guard, *now)? {
            Ok(standing) => standing,
            Err(why) => return refuse(why),
        };
        let found = login.find(tx)?;
        let hash = found.as_ref().and_then(|found| found.identity.password_hash.as_ref());
        if hash != judged.hash.as_ref() {
            return Ok(Outcome::Stale);
        }
        let count = standing.map(|_| guard.count(tx, *now)).transpose()?;
        if count.is_some_and(|count| count.is_over) {
            return refuse(Refused::TooManyAttempts);
        }
        let is_known = found.is_some();
        let Some(passwords::Login { identity, user }) = found.filter(|_| judged.is_right) else {
            let alarm = count.map(|count| guard.alarm(tx, count, *now)).transpose()?.unwrap_or_default();
            return Ok(Outcome::Refused { why: Refused::WrongPassword, is_known, alarm });
        };
        guard.forget(tx)?;
        // Only who knows the password learns of a block.
        if user.is_blocked() {
            return refuse(Refused::UserBlocked);
        }
        if let (Some(old), Some(new)) = (&identity.password_hash, &judged.better) {
            passwords::replace(tx, &identity.user_id, old, new)?;
        }
        Ok(Outcome::In(Box::new(user)))
    }
}

impl Login {
    /// A login as it was typed; what cannot be a name of anybody is looked up as nothing.
    pub fn name(username: &str) -> String {
        let name = username.trim();
        let fits = name.len() <= LONGEST_NAME && !name.contains(char::is_control);
        if fits { name.to_lowercase() } else { String::new() }
    }

    fn find(&self, tx: &mut Tx<'_>) -> Result<Option<passwords::Login>, DbError> {
        if self.username.is_empty() {
            return Ok(None);
        }
        let phone = Phone::parse(&self.username);
        let phone = phone.as_ref().map(Phone::as_str);
        passwords::find(tx, &self.channel.connection.name, &self.username, phone)
    }

    /// What attack protection says; nothing is counted for what cannot be a name.
    fn refused(
        &self,
        tx: &mut Tx<'_>,
        guard: &Guard,
        now: Millis,
    ) -> Result<Result<Option<Standing>, Refused>, DbError> {
        if self.username.is_empty() {
            return Ok(Ok(None));
        }
        let standing = guard.look(tx, now)?;
        Ok(match standing.verdict {
            Verdict::Free => Ok(Some(standing)),
            Verdict::TooManyAttempts => Err(Refused::TooManyAttempts),
            Verdict::Suspicious => Err(Refused::SuspiciousAddress),
        })
    }

    fn alarms(&self, alarm: Alarm) -> impl Iterator<Item = Event> {
        let blocked = alarm.blocked_after.map(|count| ("limit_wc", format!("{count} failed logins at one name")));
        let throttled =
            alarm.throttled_after.map(|count| ("limit_mu", format!("{count} failed logins from one address")));
        blocked.into_iter().chain(throttled).map(|(kind, description)| self.event(kind, description))
    }

    /// The password is right, and a second factor is asked for.
    fn waiting(&self, user: &User, scope: &str) -> Event {
        Event { user_id: user.user_id.clone(), scope: scope.to_owned(), ..self.event("mfar", String::new()) }
    }

    fn done(&self, user: &User, scope: &str, session_id: Option<&str>) -> Event {
        let of_user =
            |kind| Event { user_id: user.user_id.clone(), scope: scope.to_owned(), ..self.event(kind, String::new()) };
        match self.door {
            Door::Grant => of_user("sepft"),
            Door::Ticket => of_user("scoa"),
            Door::Page => {
                let mut details = json!({"prompts": [], "stats": {"loginsCount": user.logins_count}});
                if let (Some(id), Some(members)) = (session_id, details.as_object_mut()) {
                    members.insert("session_id".into(), id.into());
                }
                Event { details: Details::of(&details), ..of_user("s") }
            }
        }
    }

    fn failed(&self, why: &Refused, is_known: bool) -> Vec<Event> {
        let mut kinds = Vec::new();
        let is_wrong = matches!(why, Refused::WrongPassword);
        if is_wrong && self.door != Door::Ticket {
            kinds.push(if is_known { "fp" } else { "fu" });
        }
        match self.door {
            Door::Grant => kinds.push("fepft"),
            Door::Ticket => kinds.push("fcoa"),
            Door::Page if !is_wrong => kinds.push("f"),
            Door::Page => {}
        }
        kinds.into_iter().map(|kind| self.event(kind, why.sentence())).collect()
    }

    fn event(&self, kind: &'static str, description: String) -> Event {
        let connection = &self.channel.connection;
        Event {
            description,
            client_id: self.client.id.clone(),
            client_name: self.client.name().to_owned(),
            connection: connection.name.clone(),
            connection_id: connection.id.clone(),
            strategy: connection.strategy.name().to_owned(),
            strategy_type: connection.strategy.kind().to_owned(),
            user_name: self.username.clone(),
            audience: self.audience.clone(),
            scope: self.scope.clone(),
            ..record::event(kind, &self.caller)
        }
    }
}

/// How often a password that changes under the sign-in is verified.
const TURNS: usize = 3;
/// Bytes: the longest e-mail address, and then some.
const LONGEST_NAME: usize = 320;
