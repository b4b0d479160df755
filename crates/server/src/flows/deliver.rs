//! The one place that hands a message to the outside: render, build the call, send it, name the answer.

use ringpass_core::model::template::Variables;
use ringpass_core::providers::{Message, Origin, Refusal};

use super::caller::Caller;
use crate::app::App;
use crate::snapshot::Channel;

/// Sends the text of `channel`'s template to `to`. No transaction is open here.
pub async fn deliver(
    app: &App,
    channel: &Channel,
    to: &str,
    variables: &Variables<'_>,
    caller: &Caller,
) -> Result<(), Refusal> {
    let message = Message { to: to.to_owned(), text: channel.template.render(variables), from: None };
    let origin = Origin {
        ip: caller.ip.clone(),
        user_agent: caller.user_agent.clone(),
        issuer: app.config.http.issuer(),
        now: app.clock.now(),
        jti: app.rng.base64url(16),
        timeout: app.config.outbound.gateway_timeout,
        user_agent_header: app.config.outbound.user_agent.clone(),
    };
    let request = channel.provider.request(&message, &origin)?;
    let answer = app.outbound.send(request).await;
    channel.provider.outcome(answer)
}
