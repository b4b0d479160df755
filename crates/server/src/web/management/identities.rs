//! Identities of a user: link another user, take one apart again, change a linked one
//! (<https://auth0.com/docs/manage-users/user-accounts/user-account-linking>; `docs/COMPATIBILITY.md` C1180-C1189).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::model::schema::{self, Field, Invalid, Kind, Object, field};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, connections, identities, users};
use serde_json::{Map, Value};

use super::users::{channel, permit, taken};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `POST /users/{id}/identities`: the user named in the body becomes an identity of this one. A user's own token proves
/// the other one by its ID token.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let body = request.json()?;
    let by_token = body.as_object().is_some_and(|body| body.contains_key("link_with"));
    permit(&request, &["update:users"], |token| by_token && token.has("update:current_user_identities"))?;
    let wanted = if by_token { proven(&app, &request, &body).await? } else { Wanted::named(&body)? };
    if wanted.user_id == id {
        return Err(ApiError::SameIdentity);
    }
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        let (primary, secondary) = identities::lock_both(tx, &id, &wanted.user_id)?;
        primary.ok_or(ApiError::NoUser)?;
        let Some(secondary) = secondary else {
            return Err(if identities::exists(tx, &wanted.user_id)? {
                ApiError::IdentityTaken
            } else {
                ApiError::NoUser
            });
        };
        if let Some(connection_id) = &wanted.connection_id {
            let connection = connections::get(tx, connection_id)?.ok_or(ApiError::NoConnection)?;
            if connection.name != secondary.connection {
                return Err(ApiError::NoUser);
            }
        }
        // Otherwise whoever is blocked could go on as somebody else.
        if wanted.is_proven && secondary.is_blocked() {
            return Err(unproven());
        }
        identities::link(tx, &id, &secondary, now)?;
        shown(tx, &id, StatusCode::CREATED)
    };
    request.change(&app, "identities.link", work).await
}

/// `DELETE /users/{id}/identities/{provider}/{user_id}`: the identity is a user of its own again.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    permit(&request, &["update:users"], |token| token.has("update:current_user_identities"))?;
    let identity = format!("{}|{}", request.call.param("provider"), request.call.param("user_id"));
    if identity == id {
        return Err(ApiError::Untouchable("The main identity of a user cannot be unlinked"));
    }
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
        if !identities::unlink(tx, &id, &identity, now)? {
            return Err(ApiError::NoIdentity);
        }
        shown(tx, &id, StatusCode::OK)
    };
    request.change(&app, "identities.unlink", work).await
}

/// The id of the linked identity whose connection a patch names; `None` when it is about the user's own.
pub fn named(user: &User, patch: &Value) -> Option<String> {
    let connection = patch.get("connection")?.as_str().filter(|name| *name != user.connection)?;
    let identity = user.linked.iter().find(|identity| identity.get("connection").is_some_and(|it| it == connection))?;
    let text = |name: &str| identity.get(name).and_then(Value::as_str);
    Some(format!("{}|{}", text("provider")?, text("user_id")?))
}

/// `PATCH /users/{id}` with the connection of a linked identity: its own members change there, all others on the user.
pub async fn update(app: Arc<App>, request: Request, user: User, identity_id: String, patch: Value) -> Outcome {
    let (own, rest): (Map<String, Value>, Map<String, Value>) = patch
        .as_object()
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .partition(|(name, _)| OF_IDENTITY.contains(&&**name));
    let connection = channel(&app, own.get("connection").and_then(Value::as_str).unwrap_or_default()).await?;
    let primary = channel(&app, &user.connection).await?;
    let (own, rest, now) = (Value::from(own), Value::from(rest), app.clock.now());
    let (primary_id, known_id) = (user.user_id.clone(), identity_id.clone());
    let known = app.db.read("identities.known", move |tx| identities::get(tx, &primary_id, &known_id)).await?;
    let mut known = known.ok_or(ApiError::NoIdentity)?;
    let password = known.apply(&own, &connection.connection, now)?;
    let password = taken(&app, &connection.connection, &known, password).await?;
    let work = move |tx: &mut Tx<'_>| {
        let mut user = users::get_for_update(tx, &user.user_id)?.ok_or(ApiError::NoUser)?;
        let mut identity = identities::get_for_update(tx, &user.user_id, &identity_id)?.ok_or(ApiError::NoIdentity)?;
        user.apply(&rest, &primary.connection, now)?;
        identity.apply(&own, &connection.connection, now)?;
        let given = password.map(|password| password.give(&mut identity, now));
        if !identities::put(tx, &identity)? || !users::put(tx, &user)? {
            return Err(ApiError::UserConflict);
        }
        if let Some(given) = given {
            given.note(tx, &identity)?;
        }
        let user = users::get(tx, &user.user_id)?.ok_or(ApiError::NoUser)?;
        Ok(Reply::json(StatusCode::OK, &user.view()))
    };
    request.change(&app, "identities.update", work).await
}

fn shown(tx: &mut Tx<'_>, id: &str, status: StatusCode) -> Outcome {
    let user = users::get(tx, id)?.ok_or(DbError::Shape(0))?;
    Ok(Reply::json(status, &user.identities()))
}

/// The user to be linked.
struct Wanted {
    user_id: String,
    connection_id: Option<String>,
    /// Whether that user's own ID token says so, rather than an administrator.
    is_proven: bool,
}

impl Wanted {
    /// By provider and id, with the prefix or without.
    fn named(body: &Value) -> Result<Self, Invalid> {
        let body = schema::check(&NAMED, body)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let provider = text("provider").unwrap_or_default();
        let id = match body.get("user_id") {
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(Invalid::payload("Expected type string but found another", "user_id", USER_ID)),
        };
        let prefix = format!("{provider}|");
        let user_id = if id.starts_with(&prefix) { id } else { format!("{prefix}{id}") };
        Ok(Self { user_id, connection_id: text("connection_id"), is_proven: false })
    }
}

/// The user of an ID token of ours that was issued to the very client that calls, and has not ended (C1182).
async fn proven(app: &App, request: &Request, body: &Value) -> Result<Wanted, ApiError> {
    let token = schema::check(&BY_TOKEN, body)?.get("link_with").and_then(Value::as_str).unwrap_or_default();
    let parsed = Parsed::new(token).ok_or_else(unproven)?;
    let key =
        app.find(|snapshot| snapshot.keys.verifying.iter().find(|key| key.kid() == parsed.kid()).cloned()).await?;
    if !key.is_some_and(|key| key.verifies(Alg::Rs256, &parsed)) {
        return Err(unproven());
    }
    let claims = parsed.claims();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let live =
        claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp.saturating_mul(SECOND) > app.clock.now());
    let for_caller = text("aud") == request.token.client_id && !request.token.client_id.is_empty();
    if !live || !for_caller || text("iss") != app.config.http.issuer() {
        return Err(unproven());
    }
    Ok(Wanted { user_id: text("sub").to_owned(), connection_id: None, is_proven: true })
}

fn unproven() -> ApiError {
    let reason = "Not an ID token of this server for the calling application, or its time is over";
    Invalid::payload(reason, "link_with", LINK_WITH).into()
}

/// What belongs to an identity rather than to the user.
const OF_IDENTITY: &[&str] = &[
    "connection",
    "email",
    "email_verified",
    "verify_email",
    "phone_number",
    "phone_verified",
    "verify_phone_number",
    "username",
    "password",
    "verify_password",
];
const USER_ID: &str = "Id of the user to link, without the prefix";
const LINK_WITH: &str = "ID token of the user to link";
const NAMED: Object = Object { fields: &[NAMES], required: &["provider", "user_id"], open: false };
const NAMES: &[Field] = &[
    field("provider", Kind::Text(1, 100), "Provider of the user to link"),
    field("user_id", Kind::Any, USER_ID),
    field("connection_id", Kind::Text(1, 100), "Connection of the user to link"),
];
const BY_TOKEN: Object = Object {
    fields: &[&[field("link_with", Kind::Text(1, 16_384), LINK_WITH)]],
    required: &["link_with"],
    open: false,
};
