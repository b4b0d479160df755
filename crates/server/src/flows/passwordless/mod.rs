//! Passwordless sign-in by SMS or e-mail: start a code, and redeem it (`docs/COMPATIBILITY.md` C209-C217, C440-C443, C471-C483).

mod events;
pub mod link;
mod start;
mod verify;

use std::sync::Arc;

use ringpass_core::kit::hash::MacKey;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::storage::{DbError, codes};

use crate::app::App;
use crate::snapshot::Channel;

pub use events::failure_details;
pub use start::{
    Door, Start, StartRefused, Started, charge_malformed, note_limit, start, start_window, too_many_starts,
};
pub use verify::{Issued, Verify, Way, check, verify};

/// Wrong tries that the live code of this person still bears; `None` when there is none.
pub async fn tries_left(app: &App, channel: &Arc<Channel>, identifier: &Identifier) -> Result<Option<i64>, DbError> {
    let (channel, identifier, now) = (Arc::clone(channel), identifier.clone(), app.clock.now());
    app.db.read("passwordless.tries", move |tx| codes::tries_left(tx, &key(&channel, &identifier), now)).await
}

/// The hash under which a code is stored: bound to connection and identifier, useless without the server's key.
fn code_hash(key: &MacKey, channel: &Channel, identifier: &Identifier, code: &str) -> String {
    key.tag(&["code", &channel.connection.id, identifier.as_str(), code])
}

fn key<'a>(channel: &'a Channel, identifier: &'a Identifier) -> codes::Key<'a> {
    codes::Key { connection_id: &channel.connection.id, identifier: identifier.as_str() }
}
