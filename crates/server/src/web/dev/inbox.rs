//! `GET /dev/inbox`: what was sent, as a phone would show it.

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderMap, StatusCode, header};

use super::pages::{self, Bubble, Conversation, InboxPage};
use super::{Dev, Message};
use crate::web::Reply;

/// The page; 304 to a script that has already seen it.
pub(super) async fn show(State(dev): State<Arc<Dev>>, headers: HeaderMap) -> Reply {
    let messages = dev.messages.list();
    let version = version(&messages);
    let seen = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if seen == Some(version.as_str()) {
        return Reply::empty(StatusCode::NOT_MODIFIED).with(header::ETAG, &version);
    }
    let shown = messages.get(..SHOWN).unwrap_or(&messages);
    let page = InboxPage {
        conversations: conversations(shown),
        shown: shown.len(),
        kept: messages.len(),
        version: version.clone(),
    };
    pages::answer(StatusCode::OK, &page).with(header::ETAG, &version)
}

/// Changes whenever a message arrives.
fn version(messages: &[Arc<Message>]) -> String {
    messages.first().map_or_else(|| "\"empty\"".to_owned(), |newest| format!("\"{}\"", newest.id))
}

/// Messages (newest first) by recipient; who got the newest message comes first.
fn conversations(messages: &[Arc<Message>]) -> Vec<Conversation> {
    let mut found: Vec<Conversation> = Vec::new();
    for message in messages {
        let recipient = &message.content.recipient;
        let known = found.iter_mut().find(|conversation| conversation.recipient == *recipient);
        match known {
            None => found.push(Conversation {
                recipient: recipient.clone(),
                recent: vec![Bubble::of(message)],
                earlier: vec![],
            }),
            Some(place) if place.recent.len() < RECENT => place.recent.push(Bubble::of(message)),
            Some(place) => place.earlier.push(Bubble::of(message)),
        }
    }
    found
}

const SHOWN: usize = 200;
const RECENT: usize = 3;
