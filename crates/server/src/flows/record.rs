//! Writes tenant log events, each in the transaction of the change it reports.

use std::sync::Arc;

use metrics::counter;
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::event::{self, Event};
use ringpass_core::storage::{DbError, Tx, logs};

use super::caller::Caller;

/// What every event of this server needs. Cheap to clone into a transaction.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Dates the events.
    pub clock: Clock,
    /// Draws their ids.
    pub rng: Rng,
    /// Tenant name.
    pub tenant: Arc<str>,
    /// Public host.
    pub host: Arc<str>,
}

impl Journal {
    /// Adds `event` to the transaction; an empty description becomes that of its type.
    pub fn write(&self, tx: &mut Tx<'_>, mut event: Event) -> Result<(), DbError> {
        if event.description.is_empty() {
            event::description(event.kind).clone_into(&mut event.description);
        }
        event.hostname = self.host.to_string();
        let date = self.clock.now();
        let log_id = ids::log(&self.rng, date);
        let body = event.body(&log_id, date, &self.tenant);
        counter!(EVENTS, "type" => event.kind).increment(1);
        let user_id = Some(event.user_id).filter(|id| !id.is_empty());
        logs::insert(tx, &logs::Entry { log_id, date, kind: event.kind, user_id, body })
    }
}

/// An event of this type with the caller's part filled in.
pub fn event(kind: &'static str, caller: &Caller) -> Event {
    Event {
        kind,
        ip: caller.ip.clone(),
        client_ip: caller.peer.clone(),
        user_agent: caller.user_agent.clone().unwrap_or_default(),
        auth0_client: caller.auth0_client.clone(),
        ..Event::default()
    }
}

/// Events by type, counted as they are written; a commit that fails afterwards takes none back.
pub const EVENTS: &str = "tenant_log_events_total";
