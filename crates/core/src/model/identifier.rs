//! What a person is known by at a passwordless connection: a phone number or an e-mail address.

use super::connection::Strategy;
use super::email::Email;
use super::phone::Phone;

/// A phone number or an e-mail address. It never prints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// A number of an `sms` connection.
    Phone(Phone),
    /// An address of an `email` connection.
    Email(Email),
}

impl Identifier {
    /// Reads what a connection of this strategy knows people by; `None` when `text` cannot be one.
    pub fn parse(strategy: Strategy, text: &str) -> Option<Self> {
        match strategy {
            Strategy::Sms => Phone::parse(text).map(Self::Phone),
            Strategy::Email => Email::parse(text).map(Self::Email),
            Strategy::Auth0 => None,
        }
    }

    /// The number or the address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// The number, if it is one.
    pub fn phone(&self) -> Option<&str> {
        matches!(self, Self::Phone(_)).then(|| self.as_str())
    }

    /// The address, if it is one.
    pub fn email(&self) -> Option<&str> {
        matches!(self, Self::Email(_)).then(|| self.as_str())
    }
}
