//! What carries mail: the one provider of a tenant, read once per change of configuration.

use super::smtp;
use crate::model::email::Sender;
use crate::model::email_provider::EmailProvider;

/// The delivery that the tenant's e-mail provider asks for.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// A mail server, and who mails are from whose template does not say.
    Smtp(smtp::Options, Option<Sender>),
    /// There is no provider.
    Absent,
    /// A provider that cannot deliver; the text tells the operator why.
    NotConfigured(&'static str),
}

impl Mailer {
    /// Reads the stored provider.
    pub fn of(provider: Option<&EmailProvider>) -> Self {
        let Some(provider) = provider else { return Self::Absent };
        if !provider.is_enabled() {
            return Self::NotConfigured("it is switched off (`enabled` is false)");
        }
        if provider.name() != "smtp" {
            return Self::NotConfigured("only the provider `smtp` delivers here; others are stored without effect");
        }
        let from = provider.default_from().and_then(Sender::parse);
        smtp::Options::parse(&provider.credentials())
            .map_or_else(Self::NotConfigured, |options| Self::Smtp(options, from))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_smtp_that_is_switched_on_delivers() {
        let smtp = json!({"smtp_host": "mail.example", "smtp_port": 25});
        let why = |body: serde_json::Value| match Mailer::of(Some(&EmailProvider::create(&body).unwrap())) {
            Mailer::Smtp(_, from) => format!("smtp from {}", from.is_some()),
            Mailer::Absent => "absent".to_owned(),
            Mailer::NotConfigured(why) => why.to_owned(),
        };
        assert_eq!(
            why(json!({"name": "smtp", "credentials": smtp, "default_from_address": "a@b.example"})),
            "smtp from true"
        );
        assert_eq!(why(json!({"name": "smtp", "credentials": smtp})), "smtp from false");
        assert!(why(json!({"name": "smtp", "credentials": smtp, "enabled": false})).contains("switched off"));
        assert_eq!(why(json!({"name": "smtp", "credentials": {}})), "smtp_host is not set");
        assert!(why(json!({"name": "mailgun", "credentials": {"api_key": "k"}})).starts_with("only the provider"));
        assert!(matches!(Mailer::of(None), Mailer::Absent));
    }
}
