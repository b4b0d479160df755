//! Sends a code to an authenticator (`docs/COMPATIBILITY.md` C1781-C1783, C1790-C1793): one write before the message, one
//! behind it.

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{self, Authenticator, Kind};
use ringpass_core::model::email::Email;
use ringpass_core::model::event::Event;
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::mfa::{CODE_LIFETIME, OobCode};
use ringpass_core::model::mfa_message::Purpose;
use ringpass_core::model::phone::{Phone, Refusal};
use ringpass_core::storage::mfa_codes::{self, Pending};
use ringpass_core::storage::{DbError, Tx};
use serde_json::{Map, json};

use super::budget::{self, Message};
use super::enroll::Enrolment;
use super::send::Outgoing;
use super::sent::Place;
use super::{Claimant, MfaRefused, events, send, sent};
use crate::app::App;
use crate::flows::mail;
use crate::flows::record::Journal;

/// How a code travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To a phone.
    Phone(MessageType),
    /// To an e-mail address.
    Email,
}

impl Way {
    /// `oob_channel` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone(message_type) => message_type.name(),
            Self::Email => "email",
        }
    }

    /// Reads an `oob_channel`; `None` for what this server does not send by.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "email" { Some(Self::Email) } else { MessageType::parse(word).map(Self::Phone) }
    }

    /// The way that codes go to this authenticator if nobody says otherwise; `None` where none is sent.
    pub fn of(one: &Authenticator) -> Option<Self> {
        match one.kind {
            Kind::Phone => one.preferred().map(Self::Phone),
            Kind::Email => Some(Self::Email),
            Kind::Totp | Kind::RecoveryCode => None,
        }
    }

    /// Whether the tenant lets codes go this way.
    pub fn is_on(self, app: &App) -> bool {
        let guardian = &app.snapshot().guardian;
        match self {
            Self::Phone(message_type) => {
                guardian.is_enabled(Factor::Sms) && guardian.message_types().contains(&message_type)
            }
            Self::Email => guardian.is_enabled(Factor::Email),
        }
    }
}

/// A code that is on its way.
#[derive(Debug, Clone)]
pub struct Challenged {
    /// What names it.
    pub oob_code: String,
    /// When it was sent.
    pub at: Millis,
}

/// Sends a code to `one` by `way`: the code that is on its way already, or a new one.
pub async fn challenge(
    app: &App,
    claimant: &Claimant,
    one: &Authenticator,
    way: Way,
) -> Result<Challenged, MfaRefused> {
    carry_out(app, claimant, one, way, None).await
}

/// The same for one that is being enrolled: it is put on record in the first of the two writes.
pub(super) async fn carry_out(
    app: &App,
    claimant: &Claimant,
    one: &Authenticator,
    way: Way,
    enrolment: Option<Enrolment>,
) -> Result<Challenged, MfaRefused> {
    if !way.is_on(app) || !fits(one, way) {
        return Err(MfaRefused::Unsupported);
    }
    if let Some(number) = &one.phone_number {
        let countries = app.snapshot().countries.clone();
        // The rules may have changed since the number was enrolled.
        if let Some(refusal) = Phone::parse(number).and_then(|phone| phone.refusal(countries.as_ref())) {
            let why = MfaRefused::BadPhone;
            let event = events::failure("gd_auth_failed", claimant, Some(one), word(refusal), &why.sentence());
            let journal = app.journal.clone();
            app.db.write("mfa.not_challenged", move |tx| journal.write(tx, event)).await?;
            return Err(why);
        }
    }
    let turn = Turn {
        claimant: claimant.clone(),
        one: one.clone(),
        way,
        message: one.phone_number.as_deref().map(|number| Message::of(app, claimant, number)),
        journal: app.journal.clone(),
        now: app.clock.now(),
    };
    let fresh = Pending { salt: app.rng.base64url(16), expires_at: turn.now + CODE_LIFETIME };
    let begin = turn.clone();
    let pending = app.db.write("mfa.challenge", move |tx| begin.begin(tx, &fresh, enrolment.as_ref())).await??;
    let code = authenticator::code_of(&app.hash_key, &pending.salt);
    let outcome = turn.hand_over(app, &code).await?;
    let refused = outcome.refused.clone();
    app.db.write("mfa.challenged", move |tx| turn.end(tx, outcome)).await?;
    if let Some(refused) = refused {
        return Err(refused);
    }
    let oob = OobCode {
        transaction_id: claimant.transaction_id.clone(),
        authenticator_id: one.id.clone(),
        channel: way.name().to_owned(),
    };
    let oob_code = oob.text(&app.hash_key, pending.expires_at, &app.rng.base64url(16));
    Ok(Challenged { oob_code, at: app.clock.now() })
}

/// The word in the log for a number that may not be used.
pub(super) fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Country(_) => "country_not_allowed",
        Refusal::Kind(_) => "invalid_phone_number",
    }
}

fn fits(one: &Authenticator, way: Way) -> bool {
    match way {
        Way::Phone(message_type) => one.kind == Kind::Phone && one.channels().contains(&message_type),
        Way::Email => one.kind == Kind::Email,
    }
}

/// What the provider made of a message.
struct Outcome {
    event: Event,
    /// What the person is told; nothing where they are told that it was sent.
    refused: Option<MfaRefused>,
    /// Whether the message is surely not on its way.
    is_definite: bool,
}

#[derive(Clone)]
struct Turn {
    claimant: Claimant,
    one: Authenticator,
    way: Way,
    message: Option<Message>,
    journal: Journal,
    now: Millis,
}

impl Turn {
    /// Pays for the message and notes the code.
    fn begin(
        &self,
        tx: &mut Tx<'_>,
        fresh: &Pending,
        enrolment: Option<&Enrolment>,
    ) -> Result<Result<Pending, MfaRefused>, DbError> {
        let is_paid = match &self.message {
            Some(message) => message.take(tx, self.now)?,
            None => budget::take_mail(tx, &self.claimant, self.now)?,
        };
        if !is_paid {
            let refused = MfaRefused::TooManyMessages(self.way);
            let (code, why) = ("too_many_sms", refused.sentence());
            let event = events::failure("limit_phone", &self.claimant, Some(&self.one), code, &why);
            self.journal.write(tx, event)?;
            return Ok(Err(refused));
        }
        // In the order in which a proof takes them, so that no two wait for each other.
        let key = mfa_codes::Key { transaction_id: &self.claimant.transaction_id, authenticator_id: &self.one.id };
        let pending = mfa_codes::begin(tx, key, fresh, self.now)?;
        if let Some(enrolment) = enrolment {
            enrolment.record(tx)?;
            self.journal.write(tx, events::event("gd_start_enroll", &self.claimant, Some(&self.one)))?;
        } else if self.one.confirmed {
            self.journal.write(tx, events::event("gd_start_auth", &self.claimant, Some(&self.one)))?;
        }
        Ok(Ok(pending))
    }

    /// Notes what became of the message.
    fn end(&self, tx: &mut Tx<'_>, outcome: Outcome) -> Result<(), DbError> {
        if let (true, Some(message)) = (outcome.is_definite, &self.message) {
            message.failed(tx, self.now)?;
        }
        self.journal.write(tx, outcome.event)
    }

    async fn hand_over(&self, app: &App, code: &Secret) -> Result<Outcome, DbError> {
        match (self.way, &self.one.phone_number, &self.one.email) {
            (Way::Phone(message_type), Some(number), _) => self.message(app, code, number, message_type).await,
            (_, _, Some(address)) => Ok(self.mail(app, code, address).await),
            _ => Ok(self.failed("method_not_found", "There is nowhere to send a code to")),
        }
    }

    async fn message(
        &self,
        app: &App,
        code: &Secret,
        number: &str,
        message_type: MessageType,
    ) -> Result<Outcome, DbError> {
        let Claimant { user, client, caller, locale, request, .. } = &self.claimant;
        let Some(to) = Phone::parse(number) else {
            return Ok(self.failed("invalid_phone_number", "The number is not valid"));
        };
        let message = Outgoing {
            to,
            code: code.clone(),
            purpose: if self.one.confirmed { Purpose::Verification } else { Purpose::Enrollment },
            message_type,
            locale: locale.clone(),
            request_language: request.language.clone(),
            user: Some(Arc::new(user.clone())),
            client: Arc::clone(client),
        };
        let attempt = send::send(app, &message, caller).await?;
        let place = Place { method: request.method, path: request.path };
        let event = sent::event(app, &message, &attempt, &self.one, (place, caller));
        let refused = attempt.refused().map(|refused| match refused.error {
            "invalid_phone_number" => MfaRefused::BadPhone,
            _ => MfaRefused::NotSent(self.way),
        });
        let is_definite = attempt.refused().is_some_and(|refused| refused.is_surely_unsent);
        Ok(Outcome { event, refused, is_definite })
    }

    async fn mail(&self, app: &App, code: &Secret, address: &str) -> Outcome {
        let Some(to) = Email::parse(address) else {
            return self.failed("error_sending_email", "The e-mail address is not valid");
        };
        let variables = Map::from_iter([
            ("code".to_owned(), code.expose().into()),
            ("user".to_owned(), json!({"email": address, "name": self.claimant.user.profile.get("name")})),
        ]);
        match mail::send_named(app, "mfa_oob_code", to, variables).await {
            Ok(()) => Outcome {
                event: events::event("gd_send_email", &self.claimant, Some(&self.one)),
                refused: None,
                is_definite: false,
            },
            Err(refusal) => self.failed("error_sending_email", &refusal.sentence),
        }
    }

    fn failed(&self, code: &str, why: &str) -> Outcome {
        let event = events::failure("fn", &self.claimant, Some(&self.one), code, why);
        Outcome { event, refused: Some(MfaRefused::NotSent(self.way)), is_definite: true }
    }
}
