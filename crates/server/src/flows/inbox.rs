//! Puts what nothing else carries into the inbox of `ringpass dev`, through the door that any program could use.

use ringpass_core::kit::http::{Reach, Request};
use ringpass_core::kit::secret::Secret;
use serde_json::Value;

use crate::app::{App, Inbox};

/// Posts a message: `channel` (`email`, `sms`), `recipient`, `sender`, `subject`, `body`. Whether the inbox took it.
pub async fn keep(app: &App, inbox: &Inbox, message: &Value) -> bool {
    let request = Request {
        url: inbox.url.clone(),
        headers: vec![("content-type", "application/json".to_owned())],
        authorization: Some(inbox.authorization.clone()),
        body: Secret::new(message.to_string()),
        timeout: app.config.outbound.gateway_timeout,
        reach: Reach::Anywhere,
    };
    app.outbound.send(request).await.is_ok_and(|answer| answer.status == 200)
}
