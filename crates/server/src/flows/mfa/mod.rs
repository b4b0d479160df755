//! Second factors: when they are asked for, how they are enrolled, challenged and proven (`docs/COMPATIBILITY.md`
//! C1770-C1813). Two doors use these verbs: the MFA API, and the hosted pages.

mod budget;
mod challenge;
mod demand;
mod enroll;
mod events;
mod prove;
pub mod send;
pub mod sent;
mod unenroll;

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{self, Authenticator, Kind};
use ringpass_core::model::client::Client;
use ringpass_core::model::guardian::MessageType;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, authenticators};

use super::caller::Caller;
use crate::app::App;
use crate::snapshot::Snapshot;

pub use challenge::{Challenged, Way, challenge};
pub use demand::{Asking, Browser, Demand, MULTI_FACTOR, device_hash};
pub use enroll::{Enrolled, email, phone, totp};
pub use events::{about, event};
pub use prove::{Proven, Prover};
pub use unenroll::unenroll;

/// Somebody who has proven the first factor and is about to prove, or to enrol, the second.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// What the proof is for; codes are bound to it.
    pub transaction_id: String,
    /// Who they say they are.
    pub user: User,
    /// The application.
    pub client: Arc<Client>,
    /// Who calls.
    pub caller: Caller,
    /// Language of messages: a tag of the hosted pages.
    pub locale: String,
    /// The request that a message comes of, for the log and for templates.
    pub request: Origin,
    /// Whether they may enrol one more beside what they have: a token for the MFA API says so, or a ticket.
    pub may_add: bool,
    /// When the access token was issued that says so (whole seconds); what was enrolled since is not its to add to.
    pub token_since: Option<Millis>,
    /// Whether the answer to an enrolment can show a recovery code; pages have a page for it.
    pub shows_recovery: bool,
    /// Hash of the browser, if this user has proven a second factor on it before: when strangers have used up what wrong
    /// codes there may be, it has a count of its own.
    pub browser: Option<String>,
}

/// The request that a message comes of.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Its language header, as it came.
    pub language: String,
}

/// Why a second factor was not challenged, enrolled or proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MfaRefused {
    /// A wrong code.
    WrongCode(Kind),
    /// The code's time is over, it was used, or none was sent.
    CodeExpired,
    /// There is no authenticator of this kind, or it is gone.
    NotEnrolled(Kind),
    /// Too many wrong codes.
    TooManyCodes,
    /// Too many messages to this user, this number, or from this address.
    TooManyMessages(Way),
    /// No number, or one that may not be used.
    BadPhone,
    /// No e-mail address, or none that is verified.
    BadEmail,
    /// The factor, or the way, is off.
    Unsupported,
    /// It is enrolled already.
    AlreadyEnrolled,
    /// The user is blocked, or gone.
    UserBlocked,
    /// The provider did not take the message.
    NotSent(Way),
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for MfaRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl MfaRefused {
    /// What the tenant log says.
    pub fn sentence(&self) -> String {
        match self {
            Self::WrongCode(Kind::Totp) => "Invalid otp_code.".into(),
            Self::WrongCode(Kind::RecoveryCode) => "Invalid recovery_code.".into(),
            Self::WrongCode(_) => "Invalid binding_code.".into(),
            Self::CodeExpired => "oob_code is expired".into(),
            Self::NotEnrolled(Kind::RecoveryCode) => "User does not have a recovery-code.".into(),
            Self::NotEnrolled(_) => {
                "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.".into()
            }
            Self::TooManyCodes => "Too many failed codes. Wait for some minutes before retrying.".into(),
            Self::TooManyMessages(Way::Email) => {
                "Too many emails sent by the user. Wait for some minutes before retrying.".into()
            }
            Self::TooManyMessages(Way::Phone(_)) => {
                "Too many SMS sent by the user. Wait for some minutes before retrying.".into()
            }
            Self::BadPhone => "Invalid phone number".into(),
            Self::BadEmail => "Invalid email".into(),
            Self::Unsupported => "Unsupported authenticator type".into(),
            Self::AlreadyEnrolled => "User is already enrolled.".into(),
            Self::UserBlocked => "user is blocked".into(),
            Self::NotSent(Way::Phone(MessageType::Voice)) => "There was an error making the voice call".into(),
            Self::NotSent(Way::Phone(MessageType::Sms)) => "There was an error sending the SMS".into(),
            Self::Database(_) => "server_error".into(),
            Self::NotSent(Way::Email) => "There was an error sending the email".into(),
        }
    }
}

/// Whether it makes a second factor by itself: confirmed, of a kind that does, of a factor that is on.
pub fn counts_alone(one: &Authenticator, snapshot: &Snapshot) -> bool {
    one.confirmed && one.kind.is_independent() && snapshot.guardian.is_enabled(one.kind.factor())
}

/// What a user has that works now: confirmed, of a factor that is on; the verified e-mail address among it.
pub fn usable(all: Vec<Authenticator>, user: &User, snapshot: &Snapshot, key: &MacKey) -> Vec<Authenticator> {
    let guardian = &snapshot.guardian;
    let mut usable: Vec<Authenticator> =
        all.into_iter().filter(|one| one.confirmed && guardian.is_enabled(one.kind.factor())).collect();
    let implicit = Authenticator::implicit_email(user, key)
        .filter(|one| guardian.is_enabled(one.kind.factor()) && usable.iter().all(|it| it.email != one.email));
    usable.extend(implicit);
    usable
}

/// Everything that a user has, confirmed or not, with the verified e-mail address if that factor is on.
pub async fn all(app: &App, user: &User) -> Result<Vec<Authenticator>, DbError> {
    let user_id = user.user_id.clone();
    let all = app.db.read("mfa.list", move |tx: &mut Tx<'_>| authenticators::list_of_user(tx, &user_id)).await?;
    Ok(with_address(app, user, all))
}

/// The same for what is read already.
pub fn with_address(app: &App, user: &User, mut all: Vec<Authenticator>) -> Vec<Authenticator> {
    let implicit = Authenticator::implicit_email(user, &app.hash_key).filter(|one| {
        app.snapshot().guardian.is_enabled(one.kind.factor()) && all.iter().all(|it| it.email != one.email)
    });
    all.extend(implicit);
    all
}

/// The order in which a user's authenticators are offered: the one that was used last, then applications, phones, addresses
/// and recovery codes.
pub fn order(one: &Authenticator) -> (std::cmp::Reverse<Option<Millis>>, usize) {
    let place = [Kind::Totp, Kind::Phone, Kind::Email, Kind::RecoveryCode].iter().position(|kind| *kind == one.kind);
    // A recovery code is the last resort, however recently one was used.
    let used = one.last_auth_at.filter(|_| one.kind != Kind::RecoveryCode);
    (std::cmp::Reverse(used), place.unwrap_or_default())
}

/// What an authenticator application reads out of a QR code: who, where, and the secret
/// (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
pub fn barcode_uri(app: &App, user: &User, one: &Authenticator) -> Option<String> {
    let secret = one.secret.as_ref()?;
    let snapshot = app.snapshot();
    let tenant = Some(snapshot.settings.friendly_name()).filter(|name| !name.is_empty()).unwrap_or(&app.journal.tenant);
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let name = user.identifier().unwrap_or(&user.user_id);
    Some(format!(
        "otpauth://totp/{0}:{1}?secret={2}&issuer={0}&algorithm=SHA1&digits=6&period=30",
        encode(tenant),
        encode(name),
        secret.expose()
    ))
}

/// The two forms in which a new recovery code leaves: shown once, and kept.
pub fn recovery_authenticator(app: &App, user_id: &str, confirmed: bool) -> (Secret, Authenticator) {
    let code = authenticator::recovery_code(&app.rng);
    let now = app.clock.now();
    let mut one = Authenticator::new(Kind::RecoveryCode, user_id, &app.rng, now);
    one.confirmed = confirmed;
    one.enrolled_at = confirmed.then_some(now);
    one.recovery_hash = Some(authenticator::recovery_hash(&app.hash_key, user_id, code.expose()));
    (code, one)
}
