//! An authenticator: what a person proves a second factor with
//! (<https://auth0.com/docs/secure/multi-factor-authentication/manage-mfa-auth0-apis>; `docs/COMPATIBILITY.md` C1770-C1775).
//!
//! Its id is `dev_` and 16 letters; on the wire a word for the way goes in front, so that one phone that takes messages and
//! calls is listed as the twins `sms|dev_…` and `voice|dev_…`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::guardian::{Factor, MessageType};
use super::user::User;
use crate::kit::clock::{DAY, Millis};
use crate::kit::hash::{self, MacKey};
use crate::kit::ids;
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;

/// What an authenticator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A phone that gets messages or calls.
    Phone,
    /// An application that shows a password every thirty seconds.
    Totp,
    /// An e-mail address.
    Email,
    /// A code that is kept for the day when nothing else works.
    RecoveryCode,
}

impl Kind {
    /// The word in the database, and in front of its id except for phones.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Totp => "totp",
            Self::Email => "email",
            Self::RecoveryCode => "recovery-code",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Phone, Self::Totp, Self::Email, Self::RecoveryCode].into_iter().find(|kind| kind.name() == word)
    }

    /// The factor that must be on for it to be of use.
    pub fn factor(self) -> Factor {
        match self {
            Self::Phone => Factor::Sms,
            Self::Totp => Factor::Otp,
            Self::Email => Factor::Email,
            Self::RecoveryCode => Factor::RecoveryCode,
        }
    }

    /// The word of `mfa_requirements` and of `type` in lists.
    pub fn requirement(self) -> &'static str {
        if self == Self::Totp { "otp" } else { self.name() }
    }

    /// Whether it counts alone; the others only beside one that does.
    pub fn is_independent(self) -> bool {
        matches!(self, Self::Phone | Self::Totp)
    }
}

/// An authenticator.
#[derive(Debug, Clone, PartialEq)]
pub struct Authenticator {
    /// `dev_` and 16 letters.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its owner has proven to have it.
    pub confirmed: bool,
    /// E.164; phones have one.
    pub phone_number: Option<String>,
    /// In lower case; e-mail addresses have one.
    pub email: Option<String>,
    /// Base32; applications have one.
    pub secret: Option<Secret>,
    /// Keyed hash of a recovery code.
    pub recovery_hash: Option<String>,
    /// The last step of an application whose password was used.
    pub last_step: i64,
    /// The rest.
    pub about: About,
    /// When it was made.
    pub created_at: Millis,
    /// When it was confirmed.
    pub enrolled_at: Option<Millis>,
    /// When it was last used.
    pub last_auth_at: Option<Millis>,
}

/// Members that nothing looks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Ways to a phone: `sms`, `voice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// The way that its owner prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<String>,
    /// The sign-in that it was enrolled in, which alone can confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl Authenticator {
    /// One that its owner has yet to prove.
    pub fn new(kind: Kind, user_id: &str, rng: &Rng, now: Millis) -> Self {
        Self {
            id: ids::authenticator(rng),
            user_id: user_id.to_owned(),
            kind,
            confirmed: false,
            phone_number: None,
            email: None,
            secret: None,
            recovery_hash: None,
            last_step: 0,
            about: About::default(),
            created_at: now,
            enrolled_at: None,
            last_auth_at: None,
        }
    }

    /// The verified e-mail address of a user, which is an authenticator that nobody enrolled; its id follows from both.
    pub fn implicit_email(user: &User, key: &MacKey) -> Option<Self> {
        let email = user.email.clone().filter(|_| user.email_verified == Some(true))?;
        let tag = key.tag(&["implicit-email", &user.user_id, &email]);
        let letters: String = tag.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        Some(Self {
            id: format!("dev_{letters:a<16}"),
            user_id: user.user_id.clone(),
            kind: Kind::Email,
            confirmed: true,
            phone_number: None,
            email: Some(email),
            secret: None,
            recovery_hash: None,
            last_step: 0,
            about: About::default(),
            created_at: user.created_at,
            enrolled_at: Some(user.created_at),
            last_auth_at: None,
        })
    }

    /// Ways to a phone, in the order of its owner's wish.
    pub fn channels(&self) -> Vec<MessageType> {
        let mut channels: Vec<MessageType> =
            self.about.channels.iter().filter_map(|word| MessageType::parse(word)).collect();
        if let Some(preferred) = self.about.preferred.as_deref().and_then(MessageType::parse) {
            channels.sort_by_key(|channel| *channel != preferred);
        }
        channels
    }

    /// The way that codes go if nobody says otherwise; `None` for what is no phone.
    pub fn preferred(&self) -> Option<MessageType> {
        self.channels().first().copied()
    }

    /// Number or address as pages and lists show it.
    pub fn masked(&self) -> Option<String> {
        self.phone_number.as_deref().map(mask_phone).or_else(|| self.email.as_deref().map(mask_email))
    }

    /// Its entries in the list of `GET /mfa/authenticators`.
    pub fn views(&self) -> Vec<Value> {
        let entry = |word: &str, kind: &str, channel: Option<&str>| {
            let mut view = Map::new();
            let mut set = |name: &str, value: Value| drop(view.insert(name.to_owned(), value));
            set("id", format!("{word}|{}", self.id).into());
            set("authenticator_type", kind.into());
            set("active", self.confirmed.into());
            if let Some(channel) = channel {
                set("oob_channel", channel.into());
            }
            if let Some(name) = self.masked() {
                set("name", name.into());
            }
            set("type", self.kind.requirement().into());
            Value::Object(view)
        };
        match self.kind {
            Kind::Phone => {
                let known = self.about.channels.iter().filter_map(|word| MessageType::parse(word));
                known.map(|channel| entry(channel.name(), "oob", Some(channel.name()))).collect()
            }
            Kind::Email => vec![entry("email", "oob", Some("email"))],
            Kind::Totp => vec![entry("totp", "otp", None)],
            Kind::RecoveryCode => vec![entry("recovery-code", "recovery-code", None)],
        }
    }
}

/// Splits an id on the wire: the word in front and the authenticator's own id.
pub fn split_id(id: &str) -> Option<(&str, &str)> {
    id.split_once('|').filter(|(_, id)| id.starts_with("dev_"))
}

/// A number of which only the last four digits show.
pub fn mask_phone(number: &str) -> String {
    let shown = number.chars().count().saturating_sub(4);
    number.chars().enumerate().map(|(at, digit)| if at < shown { 'X' } else { digit }).collect()
}

/// An address of which only the domain's first four characters show.
pub fn mask_email(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let stars = "*".repeat(local.chars().count());
    let domain: String = domain.chars().enumerate().map(|(at, letter)| if at < 4 { letter } else { '*' }).collect();
    format!("{stars}@{domain}")
}

/// A new recovery code: 24 characters of `[0-9A-Z]`.
pub fn recovery_code(rng: &Rng) -> Secret {
    Secret::new(rng.base36(24))
}

/// A recovery code as it was typed: people write it in groups and in small letters.
pub fn typed_recovery_code(typed: &str) -> Option<String> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(25).collect();
    let fits = code.len() == 24 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| code.to_ascii_uppercase())
}

/// Under what a recovery code is on record.
pub fn recovery_hash(key: &MacKey, user_id: &str, code: &str) -> String {
    key.tag(&["recovery-code", user_id, code])
}

/// Six digits that nobody knows who has not the server's key: the code of a salt.
pub fn code_of(key: &MacKey, salt: &str) -> Secret {
    let tag = hash::sha256(key.tag(&["mfa-code", salt]).as_bytes());
    let number = tag.iter().take(8).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    Secret::new(format!("{:06}", number % 1_000_000))
}

/// How long one that is never proven is kept.
pub const UNPROVEN: Millis = DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_little() {
        assert_eq!(mask_phone("+54911199167"), "XXXXXXXX9167");
        assert_eq!(mask_phone("911"), "911");
        assert_eq!(mask_email("mike@example.com"), "****@exam*******");
        assert_eq!(mask_email("é@a"), "*@a");
    }

    #[test]
    fn recovery_codes_are_read_as_people_write_them() {
        let code = recovery_code(&Rng::seeded(1));
        let grouped: String = code.expose().chars().enumerate().fold(String::new(), |mut all, (at, c)| {
            if at > 0 && at % 4 == 0 {
                all.push('-');
            }
            all.push(c.to_ascii_lowercase());
            all
        });
        assert_eq!(typed_recovery_code(&grouped).as_deref(), Some(code.expose()));
        for wrong in ["", "A", &format!("{}A", code.expose()), "ÄBCDEFGHIJKLMNOPQRSTUVWX"] {
            assert_eq!(typed_recovery_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_code_of_a_salt_is_six_digits_and_needs_the_key() {
        let (one, two) = (MacKey::new(b"one"), MacKey::new(b"two"));
        let code = code_of(&one, "salt");
        assert!(code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(code, code_of(&one, "salt"));
        assert_ne!(code, code_of(&two, "salt"));
        assert_ne!(code, code_of(&one, "tals"));
    }
}
