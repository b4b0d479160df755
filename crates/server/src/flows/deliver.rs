//! The one place that hands a message to the outside: render, build the call, send it, name the answer, and call once more
//! where the answer allows it (C1008-C1011).

use std::time::Duration;

use metrics::{counter, histogram};
use ringpass_core::model::guardian::MessageType;
use ringpass_core::model::phone::Phone;
use ringpass_core::model::template::{Tail, Variables};
use ringpass_core::providers::{Message, Origin, Provider, Reason, Refusal, Taken, Verdict};
use tokio::time::{Instant, sleep};

use super::caller::Caller;
use crate::app::App;
use crate::snapshot::Channel;

/// Sends the text of `channel`'s template, and the tail behind it, to `to`. No transaction is open here.
pub async fn deliver(
    app: &App,
    channel: &Channel,
    to: &Phone,
    (variables, tail): (&Variables<'_>, &Tail<'_>),
    caller: &Caller,
) -> Result<Taken, Refusal> {
    let rendered = channel.template.render(variables, tail, app.clock.now());
    if let Some(fault) = rendered.fault {
        let connection = &channel.connection.name;
        tracing::warn!(%connection, %fault, "a message template failed: the built-in text is sent instead");
    }
    let message = Message { to: to.as_str().to_owned(), text: rendered.text, from: None };
    let outcome = send(app, &channel.provider, &message, caller).await;
    count(MessageType::Sms, channel.provider.name(), to, outcome.as_ref().map_or_else(word, |_| "sent"));
    outcome
}

/// Counts a message to a phone: how it travels, who carries it, the number's country and what came of it.
pub fn count(message_type: MessageType, provider: &'static str, to: &Phone, outcome: &'static str) {
    let country = to.country().unwrap_or_else(|| "none".to_owned());
    let channel = message_type.name();
    counter!(MESSAGES, "channel" => channel, "provider" => provider, "country" => country, "outcome" => outcome)
        .increment(1);
}

/// The word for a refused message in metrics.
pub fn word(refusal: &Refusal) -> &'static str {
    if refusal.verdict == Verdict::WrongNumber { "wrong_number" } else { refusal.reason.word() }
}

/// Hands `message` to `provider`: one call, and a second one when the first allows it and there is time. No transaction is
/// open here.
pub async fn send(app: &App, provider: &Provider, message: &Message, caller: &Caller) -> Result<Taken, Refusal> {
    let outbound = &app.config.outbound;
    let (each, all) = match provider {
        Provider::TwilioSms(_) | Provider::TwilioVoice(_) => (outbound.twilio.call, outbound.twilio.message),
        Provider::SmsGateway(_) | Provider::NotConfigured(_) => (outbound.gateway_timeout, outbound.gateway_timeout),
    };
    let end = Instant::now() + all;
    let mut origin = Origin {
        ip: caller.ip.clone(),
        user_agent: caller.user_agent.clone(),
        issuer: app.config.http.issuer(),
        now: app.clock.now(),
        jti: app.rng.base64url(16),
        timeout: each.min(all),
        user_agent_header: outbound.user_agent.clone(),
        twilio_base_url: outbound.twilio_base_url.to_string(),
    };
    let refusal = match call(app, provider, message, &origin).await {
        Ok(taken) => return Ok(taken),
        Err(refusal) => refusal,
    };
    let Some(asked) = refusal.repeat_after else { return Err(refusal) };
    let pause = asked.max(pause(app));
    let left = end.saturating_duration_since(Instant::now()).saturating_sub(pause);
    if left.is_zero() {
        return Err(refusal);
    }
    sleep(pause).await;
    origin.timeout = each.min(left);
    // What the first call may have brought there, the second did not take back.
    let first = refusal.reason;
    call(app, provider, message, &origin).await.map_err(|second| match first {
        Reason::Timeout | Reason::Unexpected => Refusal { reason: first, ..second },
        _ => second,
    })
}

/// One call, counted and timed.
async fn call(app: &App, provider: &Provider, message: &Message, origin: &Origin) -> Result<Taken, Refusal> {
    let request = provider.request(message, origin)?;
    let start = Instant::now();
    let answer = app.outbound.send(request).await;
    let duration = start.elapsed();
    let outcome = provider.outcome(&answer);
    let word = outcome.as_ref().map_or_else(|refusal| refusal.reason.word(), |_| "sent");
    counter!(REQUESTS, "provider" => provider.name(), "outcome" => word).increment(1);
    histogram!(DURATION, "provider" => provider.name()).record(duration.as_secs_f64());
    outcome
}

/// The pause before a second call: the configured one and up to as much again, so that callers who failed together do not
/// come back together.
fn pause(app: &App) -> Duration {
    let shortest = app.config.outbound.twilio.pause;
    let [share] = app.rng.bytes::<1>();
    shortest + shortest * u32::from(share) / 256
}

/// Messages to phones, by channel, provider, country and outcome.
pub const MESSAGES: &str = "phone_messages_total";
/// Calls to providers, by provider and outcome.
pub const REQUESTS: &str = "provider_requests_total";
/// How long they took, by provider.
pub const DURATION: &str = "provider_request_duration_seconds";
