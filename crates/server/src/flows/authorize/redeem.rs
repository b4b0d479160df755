//! A one-time code, or the code in a link, answers a request for authorization at once (`docs/COMPATIBILITY.md`
//! C1590-C1597).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::ids;
use ringpass_core::model::authorization::{OauthError, Parameters};
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::login::{Login, Second, Step};
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, logins};

use super::answer::{Answering, Draft, Recorded};
use super::begin::{LOGIN_LIFETIME, admit, event, note};
use super::{Begun, Target, Visitor, error};
use crate::app::App;
use crate::flows::consent;
use crate::flows::grant::Refused;
use crate::flows::issue::hash_of;
use crate::flows::mfa::{Asking, device_hash};
use crate::flows::passwordless::{self, Issued, Verify, Way};
use crate::flows::session::{self, Fresh};
use crate::snapshot::{Channel, Snapshot};
use ringpass_core::model::event::Event;

/// A code as a browser brings it.
#[derive(Debug)]
pub struct Brought {
    /// The connection.
    pub channel: Arc<Channel>,
    /// Whose code it is; `None` when what was sent can be nobody's.
    pub identifier: Option<Identifier>,
    /// The code.
    pub code: String,
}

impl Brought {
    /// Reads the code and whom it is for; `None` without a passwordless connection of the client.
    pub async fn read(app: &App, target: &Target, parameters: &Parameters) -> Result<Option<Self>, DbError> {
        let client_id = &target.client.id;
        let name = parameters.get("connection").unwrap_or_default();
        let channel = app.find(|snapshot| snapshot.channel(name, client_id)).await?.filter(|channel| {
            channel.connection.strategy != Strategy::Auth0 && channel.connection.is_enabled_for(client_id)
        });
        let Some(channel) = channel else { return Ok(None) };
        let strategy = channel.connection.strategy;
        let sent = parameters.get(if strategy == Strategy::Email { "email" } else { "phone_number" });
        Ok(Some(Self {
            identifier: sent.and_then(|sent| Identifier::parse(strategy, sent)),
            code: parameters.get("verification_code").unwrap_or_default().trim().to_owned(),
            channel,
        }))
    }

    /// Whether the code came with a link: no one types such a code, and whatever reads mails may follow the link.
    pub fn is_of_link(&self) -> bool {
        let is_typed = self.code.len() <= LONGEST_TYPED && self.code.bytes().all(|byte| byte.is_ascii_digit());
        self.channel.connection.strategy == Strategy::Email && !is_typed
    }
}

/// Redeems the code, begins a session, and answers the request as `/authorize` does. No refresh token comes of it.
pub async fn redeem(
    app: &App,
    target: Target,
    parameters: Parameters,
    brought: Brought,
    visitor: Visitor,
) -> Result<Begun, DbError> {
    let Visitor { session: cookie, browser, known, caller, .. } = visitor;
    let parameters = plain(parameters, target.client.is_public());
    let (request, granted) = match admit(app, &target, &parameters).await? {
        Ok(admitted) => admitted,
        Err((refusal, _)) => {
            let event = event("f", &target.client, &caller);
            note(app, Event { description: refusal.description.clone(), ..event }).await?;
            return Ok(Begun::Answered(error(app, &target, &refusal), None));
        }
    };
    let verify = Verify {
        client: Arc::clone(&target.client),
        channel: brought.channel,
        identifier: brought.identifier,
        code: brought.code,
        audience: request.audience.clone().unwrap_or_default(),
        scope: request.scope.clone(),
        caller: caller.clone(),
        way: Way::Link,
        browser: known.device.as_ref().map(|device| device_hash(&app.hash_key, device)),
    };
    let draft = Draft::draw(app, &request, &granted);
    let idle = app.snapshot().settings.session_lifetimes().1;
    let asking = Asking::of(app, request.audience.as_deref(), &caller.ip);
    let asking = asking.on_pages(known, request.acr_values.as_deref());
    let turn = Arc::new(Turn {
        answering: Answering { target, request, granted, caller, draft, idle, is_met: asking.is_always() },
        asking,
        cookie: cookie.unwrap_or_default(),
        browser: hash_of(&app.hash_key, &browser),
        key: app.hash_key.clone(),
        snapshot: app.snapshot(),
        fresh: Fresh::draw(app),
        login: ids::short_token(&app.rng),
        now: app.clock.now(),
    });
    let (answering, began, login) = (turn.answering.clone(), turn.fresh.cookie.clone(), turn.login.clone());
    let target = answering.target.clone();
    let fail = |refusal: OauthError| Ok(Begun::Answered(error(app, &target, &refusal), None));
    match passwordless::verify(app, verify, move |tx, user| turn.take(tx, user)).await {
        Ok((_, Taken::SecondFactor)) => Ok(Begun::SecondFactor(login)),
        Ok((_, Taken::Consent)) => Ok(Begun::Consent(login, Some(began))),
        Ok((_, Taken::Recorded(recorded))) => {
            let failed = || error(app, &target, &OauthError::new("server_error", "A token could not be signed"));
            let answer = answering.answer(app, *recorded).await.unwrap_or_else(failed);
            Ok(Begun::Answered(answer, Some(began)))
        }
        Err(Refused::Database(error)) => Err(error),
        Err(refused) => fail(OauthError::new("unauthorized", refused.sentence())),
    }
}

/// The request without what a link cannot have; a client that keeps a secret gets a code unless it asks for something else.
fn plain(Parameters(mut pairs): Parameters, is_public: bool) -> Parameters {
    for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "scope") {
        let kept: Vec<&str> = value.split_ascii_whitespace().filter(|name| *name != "offline_access").collect();
        *value = kept.join(" ");
    }
    if !pairs.iter().any(|(name, value)| name == "response_type" && !value.is_empty()) {
        pairs.retain(|(name, _)| name != "response_type");
        pairs.push(("response_type".into(), if is_public { "token" } else { "code" }.into()));
    }
    Parameters(pairs)
}

#[derive(Debug, Clone)]
struct Turn {
    answering: Answering,
    asking: Asking,
    cookie: String,
    browser: String,
    key: MacKey,
    snapshot: Arc<Snapshot>,
    fresh: Fresh,
    login: String,
    now: Millis,
}

/// What a right code has led to.
#[derive(Debug)]
enum Taken {
    SecondFactor,
    Consent,
    Recorded(Box<Recorded>),
}

impl Turn {
    /// Begins the session in the place of the one that the browser had; nothing is recorded for the application yet where the
    /// person is to be asked.
    fn take(&self, tx: &mut Tx<'_>, user: &User) -> Result<Issued<Taken>, DbError> {
        let Answering { target, request, granted, caller, .. } = &self.answering;
        if self.asking.demand(tx, user)?.is_some() {
            let second = Some(Second::new(&user.user_id, self.now));
            self.open(tx, Login { step: Step::SecondFactor, second, ..Login::new(request.clone(), self.now) })?;
            let scope = request.scope.clone();
            return Ok(Issued { scope, session_id: None, waits: true, value: Taken::SecondFactor });
        }
        if let Some(old) = session::find(tx, &self.key, &self.snapshot, &self.cookie, self.now)? {
            session::end(tx, &old, Ended::Replaced)?;
        }
        let session = self.fresh.begin(tx, user, None, &request.client_id, caller, self.now)?;
        self.asking.completed(tx, user, false)?;
        let (scope, session_id) = (request.scope.clone(), Some(session.id.clone()));
        if consent::is_needed(tx, &target.client, user, granted, request.prompt.consent)? {
            let step = Step::Authenticated { session_id: session.id };
            self.open(tx, Login { step, ..Login::new(request.clone(), self.now) })?;
            return Ok(Issued { scope, session_id, waits: false, value: Taken::Consent });
        }
        let recorded = self.answering.record(tx, session, user.clone(), false, self.now)?;
        Ok(Issued { scope, session_id, waits: false, value: Taken::Recorded(Box::new(recorded)) })
    }

    fn open(&self, tx: &mut Tx<'_>, login: Login) -> Result<(), DbError> {
        let stored = logins::Stored { id: self.login.clone(), browser: self.browser.clone(), login };
        logins::insert(tx, &stored, self.now + LOGIN_LIFETIME)
    }
}

/// Digits of the longest code that people type.
const LONGEST_TYPED: usize = 10;
