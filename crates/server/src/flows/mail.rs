//! The one place that hands a mail to the outside: fill in, build, deliver, name the answer (`docs/COMPATIBILITY.md`
//! C1406-C1418).

use metrics::{counter, histogram};
use ringpass_core::model::email::{Email, one_line};
use ringpass_core::model::letter::{Letter, Rendered};
use ringpass_core::providers::mailer::Mailer;
use ringpass_core::providers::smtp::{self, Mail, Posting};
use ringpass_core::providers::{Reason, Refusal};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::deliver::{DURATION, REQUESTS};
use super::inbox;
use crate::app::{App, Inbox};

/// Fills in the mail of this name (`verify_email`, ..) and sends it. `variables` are the mail's own; those of the tenant
/// join them. A mail that this server does not send is refused. No transaction is open here.
pub async fn send_named(app: &App, name: &str, to: Email, variables: Map<String, Value>) -> Result<(), Refusal> {
    let snapshot = app.snapshot();
    let Some(mail) = snapshot.mail(name) else { return Err(refusal("There is no such mail", Reason::NotConfigured)) };
    let rendered = fill(app, &mail.letter, variables, name);
    send(app, &addressed(to, rendered)).await
}

/// Fills in a letter; a template that fails is told to the process log.
pub fn fill(app: &App, letter: &Letter, mut variables: Map<String, Value>, what: &str) -> Rendered {
    let snapshot = app.snapshot();
    let settings = &snapshot.settings;
    let friendly = Some(settings.friendly_name()).filter(|name| !name.is_empty()).unwrap_or(&app.journal.tenant);
    for (name, value) in [
        ("tenant", &*app.journal.tenant),
        ("domain", &*app.journal.host),
        ("friendly_name", friendly),
        ("support_email", settings.support_email()),
        ("support_url", settings.support_url()),
    ] {
        variables.entry(name).or_insert(value.into());
    }
    let rendered = letter.render(&variables, app.clock.now());
    if let Some(fault) = &rendered.fault {
        tracing::warn!(mail = what, %fault, "a mail template failed: the built-in mail is sent instead");
    }
    rendered
}

/// What was filled in, on its way to somebody.
pub fn addressed(to: Email, rendered: Rendered) -> Mail {
    let Rendered { subject, from, html, text, .. } = rendered;
    Mail { to, from, subject: subject.expose().to_owned(), html, text }
}

/// Hands a mail to the tenant's provider; without one, `ringpass dev` keeps it. No transaction is open here.
pub async fn send(app: &App, mail: &Mail) -> Result<(), Refusal> {
    let snapshot = app.snapshot();
    let start = Instant::now();
    let (provider, outcome) = match (&snapshot.mailer, app.inbox.get()) {
        (Mailer::Smtp(options, default), _) => {
            let Some(sender) = mail.sender(default.as_ref()) else {
                return Err(refusal("The email provider has no default_from_address", Reason::NotConfigured));
            };
            let delivery = smtp::delivery(options, mail, &sender, &posting(app))?;
            ("smtp", smtp::outcome(app.outbound.mail(&delivery).await))
        }
        (Mailer::Absent, Some(inbox)) => ("inbox", keep(app, inbox, mail).await),
        (Mailer::Absent | Mailer::NotConfigured(_), _) => {
            return Err(refusal("The email provider is not configured", Reason::NotConfigured));
        }
    };
    let word = outcome.as_ref().map_or_else(|refusal| refusal.reason.word(), |()| "sent");
    counter!(REQUESTS, "provider" => provider, "outcome" => word).increment(1);
    histogram!(DURATION, "provider" => provider).record(start.elapsed().as_secs_f64());
    outcome
}

fn posting(app: &App) -> Posting {
    Posting {
        now: app.clock.now(),
        id: app.rng.base64url(16),
        host: app.journal.host.to_string(),
        timeout: app.config.outbound.gateway_timeout,
    }
}

/// Puts a mail into the inbox of `ringpass dev`.
async fn keep(app: &App, inbox: &Inbox, mail: &Mail) -> Result<(), Refusal> {
    let message = json!({
        "channel": "email", "recipient": mail.to.as_str(), "sender": mail.from.as_deref().map(one_line),
        "subject": one_line(&mail.subject), "body": mail.text.expose(),
    });
    let kept = inbox::keep(app, inbox, &message).await;
    if kept { Ok(()) } else { Err(refusal("The inbox did not take the mail", Reason::Unexpected)) }
}

fn refusal(sentence: &str, reason: Reason) -> Refusal {
    Refusal::new(reason, sentence)
}
