//! `/clients` (`docs/COMPATIBILITY.md` C701-C714).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::client::Client;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, client_credentials, clients};
use serde_json::{Map, Value, json};

use super::client_credentials::check_attached;
use super::paging::{Fields, Page, flag, key};
use super::{ApiError, Outcome, Request, Token};
use crate::app::App;
use crate::web::Reply;

/// `GET /clients`.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let (page, fields) = (Page::of(call)?, Fields::of(call)?);
    let (global, first_party) = (flag(call, "is_global")?, flag(call, "is_first_party")?);
    if call.query("q").is_some_and(|q| !q.is_empty()) {
        return Err(Invalid::query("Searching clients is not available yet", "q", "").into());
    }
    let kinds: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "app_type").flat_map(|(_, value)| value.split(',')).collect();
    let all = app.db.read("clients.list", clients::list).await?;
    let wanted = all
        .into_iter()
        .filter(|client| global.is_none_or(|global| client.is_global == global))
        .filter(|client| first_party.is_none_or(|first_party| client.is_first_party() == first_party))
        .filter(|client| kinds.is_empty() || client.text("app_type").is_some_and(|kind| kinds.contains(&kind)))
        .collect();
    let cut = page.cut(wanted, |client: &Client| key(client.created_at, &client.id));
    let view = View::of(&app);
    let shown = cut.map(|client| fields.apply(&view.permitted(&client, &request.token), &[]).into());
    Ok(page.reply("clients", shown))
}

/// `POST /clients`: the answer has the secret.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let (client, credentials) = Client::create_with_credentials(&request.json()?, &app.rng, app.clock.now())?;
    let view = View::of(&app);
    let work = move |tx: &mut Tx<'_>| {
        if !clients::insert(tx, &client)? {
            return Err(ApiError::Server);
        }
        for credential in &credentials {
            client_credentials::insert(tx, credential)?;
        }
        Ok(Reply::json(StatusCode::CREATED, &view.whole(&client)))
    };
    request.configure(&app, "clients.create", work).await
}

/// `GET /clients/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let id = id(&request);
    let client = app.db.read("clients.show", move |tx| clients::get(tx, &id)).await?.ok_or(ApiError::NoClient)?;
    let shown = fields.apply(&View::of(&app).permitted(&client, &request.token), &[]);
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `PATCH /clients/{id}`. The secret may be chosen with `update:client_keys`, credentials be attached with
/// `update:client_credentials`, everything else with `update:clients` (C708, C1108).
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (id, patch) = (id(&request), request.json()?);
    for (name, value) in patch.as_object().into_iter().flatten() {
        let needed: &[&str] = match name.as_str() {
            "client_secret" => &["update:client_keys"],
            "client_authentication_methods" if !value.is_null() => &["update:client_credentials"],
            "client_authentication_methods" | "token_endpoint_auth_method" => {
                &["update:clients", "update:client_credentials"]
            }
            _ => &["update:clients"],
        };
        if !request.token.permits(needed) {
            return Err(ApiError::InsufficientScope(needed));
        }
    }
    let (view, token) = (View::of(&app), request.token.clone());
    let work = move |tx: &mut Tx<'_>| {
        let mut client = clients::get(tx, &id)?.ok_or(ApiError::NoClient)?;
        client.apply(&patch)?;
        check_attached(tx, &client)?;
        clients::put(tx, &client)?;
        Ok(Reply::json(StatusCode::OK, &view.permitted(&client, &token)))
    };
    request.configure(&app, "clients.update", work).await
}

/// `DELETE /clients/{id}`: also good when there is none.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = id(&request);
    let work = move |tx: &mut Tx<'_>| {
        if clients::get(tx, &id)?.is_some_and(|client| client.is_global) {
            return Err(ApiError::Untouchable("The global client cannot be deleted"));
        }
        clients::delete(tx, &id)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "clients.remove", work).await
}

/// `POST /clients/{id}/rotate-secret`: the answer has the new secret.
pub async fn rotate_secret(app: Arc<App>, request: Request) -> Outcome {
    let (id, rng, view) = (id(&request), app.rng.clone(), View::of(&app));
    let work = move |tx: &mut Tx<'_>| {
        let mut client = clients::get(tx, &id)?.ok_or(ApiError::NoClient)?;
        client.rotate_secret(&rng);
        clients::put(tx, &client)?;
        Ok(Reply::json(StatusCode::OK, &view.whole(&client)))
    };
    request.configure(&app, "clients.rotate_secret", work).await
}

fn id(request: &Request) -> String {
    request.call.param("id").to_owned()
}

/// What all clients show alike.
struct View {
    tenant: String,
    signing_keys: Value,
}

impl View {
    fn of(app: &App) -> Self {
        let snapshot = app.snapshot();
        let (cert, pkcs7) = &snapshot.keys.certificate;
        Self {
            tenant: app.config.http.tenant(),
            signing_keys: json!([{"cert": cert, "pkcs7": pkcs7, "subject": "deprecated"}]),
        }
    }

    fn whole(&self, client: &Client) -> Map<String, Value> {
        client.view(&self.tenant, &self.signing_keys)
    }

    /// What the scopes of the token show of a client (C705).
    fn permitted(&self, client: &Client, token: &Token) -> Map<String, Value> {
        const SECRETS: [&str; 3] = ["client_secret", "signing_keys", "encryption_key"];
        const SUMMARY: [&str; 5] = ["tenant", "global", "name", "client_id", "app_type"];
        let mut view = self.whole(client);
        if !token.permits(&["read:client_credentials", "update:client_credentials"]) {
            view.shift_remove("client_authentication_methods");
        }
        if !token.has("read:client_keys") {
            view.retain(|name, _| !SECRETS.contains(&name.as_str()));
        }
        let is_reader = [
            "read:clients",
            "read:client_keys",
            "read:client_credentials",
            "update:clients",
            "update:client_keys",
            "update:client_credentials",
        ];
        if !token.permits(&is_reader) {
            view.retain(|name, _| SUMMARY.contains(&name.as_str()));
        }
        view
    }
}
