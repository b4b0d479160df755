//! Log-ins that an application's own page makes: a ticket for a code or a password, and the session that the ticket begins
//! (<https://auth0.com/docs/authenticate/login/cross-origin-authentication>; `docs/COMPATIBILITY.md` C1570-C1578).

use std::sync::Arc;

use ringpass_core::kit::clock::{MINUTE, Millis};
use ringpass_core::kit::hash;
use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authorization::AuthorizationRequest;
use ringpass_core::model::client::Client;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::user::User;
use ringpass_core::storage::login_tickets::{self, LoginTicket};
use ringpass_core::storage::{DbError, Tx, users};

use super::caller::Caller;
use super::grant::Refused;
use super::issue::{Kept, hash_of};
use super::password::{self, Door, Login};
use super::passwordless::{self, Issued, Verify, Way};
use super::session::Fresh;
use crate::app::App;
use crate::snapshot::{Channel, Snapshot};

/// Milliseconds that a ticket is good for.
pub const LIFETIME: Millis = 15 * MINUTE;

/// A log-in on a page of an application whose origin is allowed.
#[derive(Debug)]
pub struct Attempt {
    /// The application.
    pub client: Arc<Client>,
    /// Origin of its page.
    pub origin: String,
    /// What the browser's cookie will hold.
    pub browser: String,
    /// The connection.
    pub channel: Arc<Channel>,
    /// Phone number, e-mail address or user name, as it was typed.
    pub username: String,
    /// What proves it.
    pub proof: Proof,
    /// Who calls.
    pub caller: Caller,
}

/// What proves who somebody is.
#[derive(Debug)]
pub enum Proof {
    /// A one-time code.
    Code(String),
    /// A password.
    Password(Secret),
}

/// Holds the proof against what is on record, and gives a ticket for it.
pub async fn log_in(app: &App, attempt: Attempt) -> Result<String, Refused> {
    let Attempt { client, origin, browser, channel, username, proof, caller } = attempt;
    let kept = Kept::new(app, ids::token(&app.rng));
    let ticket = LoginTicket {
        client_id: client.id.clone(),
        origin,
        browser: hash_of(&app.hash_key, &browser),
        user_id: String::new(),
        connection: channel.connection.name.clone(),
    };
    let (hash, ends) = (kept.hash, app.clock.now() + LIFETIME);
    let give = move |tx: &mut Tx<'_>, user: &User| {
        let ticket = LoginTicket { user_id: user.user_id.clone(), ..ticket.clone() };
        login_tickets::insert(tx, &hash, &ticket, ends)?;
        Ok(Issued { scope: String::new(), session_id: None, waits: false, value: () })
    };
    let (audience, scope) = (String::new(), String::new());
    match proof {
        Proof::Code(code) => {
            let identifier = Identifier::parse(channel.connection.strategy, &username);
            let verify =
                Verify { client, channel, identifier, code, audience, scope, caller, way: Way::Ticket, browser: None };
            passwordless::verify(app, verify, give).await?;
        }
        Proof::Password(password) => {
            let username = Login::name(&username);
            let door = Door::Ticket;
            let login = Login { door, client, channel, username, password, audience, scope, caller };
            password::sign_in(app, login, give).await?;
        }
    }
    Ok(kept.text)
}

/// A ticket that a browser brings to the authorization endpoint.
#[derive(Debug, Clone)]
pub struct Shown {
    hash: String,
    browser: String,
    /// Origin of the page that sent the browser here, where the browser tells it.
    origin: Option<String>,
    /// The session that it begins.
    pub fresh: Fresh,
}

impl Shown {
    /// A ticket, the browser's cookie, and the origin that the browser tells of.
    pub fn new(app: &App, ticket: &str, cookie: Option<&str>, origin: Option<String>) -> Self {
        Self {
            hash: hash_of(&app.hash_key, ticket),
            browser: cookie.map(|cookie| hash_of(&app.hash_key, cookie)).unwrap_or_default(),
            origin,
            fresh: Fresh::draw(app),
        }
    }

    /// Whose log-in the ticket proves; none when it is not good here. It is spent in any case.
    pub fn take(
        &self,
        tx: &mut Tx<'_>,
        snapshot: &Snapshot,
        request: &AuthorizationRequest,
        now: Millis,
    ) -> Result<Option<User>, DbError> {
        let Some(ticket) = login_tickets::take(tx, &self.hash, now)? else { return Ok(None) };
        let is_of_browser = !self.browser.is_empty() && hash::same(&ticket.browser, &self.browser);
        let is_of_origin = self.origin.as_ref().is_none_or(|origin| *origin == ticket.origin);
        let is_of_realm = request.connection.as_ref().is_none_or(|name| {
            let meant = snapshot.channel(name, &request.client_id);
            meant.is_some_and(|channel| channel.connection.name == ticket.connection)
        });
        let is_allowed = snapshot.client(&request.client_id).is_some_and(|client| allows(&client, &ticket.origin));
        let fits = ticket.client_id == request.client_id && is_of_browser && is_of_origin && is_of_realm && is_allowed;
        if fits && snapshot.has_connection(&ticket.connection) { users::get(tx, &ticket.user_id) } else { Ok(None) }
    }
}

/// Whether pages of this origin may log people in for this client.
pub fn allows(client: &Client, origin: &str) -> bool {
    client.flag("cross_origin_authentication") && lists(client, origin)
}

/// Whether this client lists the origin for it.
pub fn lists(client: &Client, origin: &str) -> bool {
    crate::snapshot::lists(client.web_origins(), origin)
}
