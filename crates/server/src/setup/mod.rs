//! First start: opens the database, fills an empty one with a fresh tenant, and keeps the operator's admin client true.

pub mod dev;

use std::sync::Arc;
use std::time::Duration;

use ringpass_core::kit::clock::{Clock, Millis};
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::{MasterKeys, Secret};
use ringpass_core::model::client::Client;
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::phone::Countries;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::scope::SCOPES;
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::outbound::{self, Outbound};
use ringpass_core::storage::{
    Db, DbError, Settings, Tx, Url, client_grants, clients, connections, sealed, settings, signing_keys, tenant,
};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::commands::Failure;
use crate::config::{Admin, Config, DatabaseUrl};
use crate::reseal;
use crate::snapshot::{Audiences, Snapshot};

/// Opens and migrates the database.
pub async fn open(config: &Config) -> Result<Db, Failure> {
    open_for(config, Db::open).await
}

/// Opens the database to write beside a running server, without migrating it.
pub async fn open_beside(config: &Config) -> Result<Db, Failure> {
    open_for(config, Db::open_beside).await
}

/// Sentences about stored settings that will not do what one may expect. Only looks, so it works beside a running server;
/// a database that cannot be read is one of the sentences, one that does not exist yet is none.
pub async fn warnings(config: &Config) -> Vec<String> {
    if matches!(&config.database.url, DatabaseUrl::Sqlite(path) if !path.exists()) {
        return Vec::new();
    }
    let db = match open_for(config, Db::open_to_look).await {
        Ok(db) => db,
        Err(failure) => return vec![format!("the stored settings were not checked: {}", failure.sentence)],
    };
    let audiences = Audiences::of(config);
    let mut warnings = match db.read("setup.warnings", move |tx| Snapshot::read(tx, &audiences)).await {
        Ok(snapshot) => snapshot.warnings(),
        Err(error) => vec![format!("the stored settings were not checked: {error}")],
    };
    if let Ok(left) = db.read("setup.old_keys", sealed::old_keys).await
        && !left.is_empty()
    {
        let keys = MasterKeys::parse(config.secrets.master_keys.expose()).ok();
        let known: Vec<&str> = keys.iter().flat_map(MasterKeys::ids).collect();
        let first = known.first().copied().unwrap_or_default();
        let needs = reseal::needs(&known, &left);
        warnings
            .push(format!("not everything in the database is sealed with the first master key, `{first}`: {needs}"));
    }
    warnings
}

/// The tenant's country rules, as a running server has them; none where there is no database yet.
pub async fn countries(config: &Config) -> Result<Option<Countries>, Failure> {
    if matches!(&config.database.url, DatabaseUrl::Sqlite(path) if !path.exists()) {
        return Ok(None);
    }
    let db = open_for(config, Db::open_to_look).await?;
    let settings = db.read("setup.countries", tenant::get).await;
    db.close().await;
    Ok(settings.map_err(Failure::failed)?.country_codes().and_then(Countries::parse))
}

async fn open_for(config: &Config, open: impl AsyncFnOnce(Settings) -> Result<Db, DbError>) -> Result<Db, Failure> {
    let keys = MasterKeys::parse(config.secrets.master_keys.expose()).map_err(Failure::failed)?;
    let url = match &config.database.url {
        DatabaseUrl::Sqlite(path) => Url::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => Url::Postgres(url.clone()),
    };
    if let Url::Sqlite(path) = &url
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::failed(format!("cannot make {}: {error}", folder.display())))?;
    }
    let connections = match &url {
        Url::Sqlite(_) => config.database.readers,
        Url::Postgres(_) => config.database.connections,
    };
    let settings = Settings { url, queue: config.database.queue, connections, durable: true, keys: Arc::new(keys) };
    open(settings).await.map_err(Failure::failed)
}

/// Makes the signing keys of a fresh tenant, given its name: the current one and the next.
pub type MakeKeys = fn(&str, &Rng, Millis) -> Option<[SigningKey; 2]>;

/// Fills an empty database, brings the admin client up to date and puts the handles together.
pub async fn app(config: Config, db: Db, clock: Clock, rng: Rng) -> Result<Arc<App>, Failure> {
    app_with_keys(config, db, clock, rng, |tenant, rng, now| {
        let make = |state| SigningKey::generate(state, tenant, rng, now);
        Some([make(State::Current)?, make(State::Next)?])
    })
    .await
}

/// The same with signing keys from elsewhere: RSA keys come from no seed, so reproducible tokens need given ones.
pub async fn app_with_keys(
    config: Config,
    db: Db,
    clock: Clock,
    rng: Rng,
    make_keys: MakeKeys,
) -> Result<Arc<App>, Failure> {
    let is_new = fresh_tenant(&config, &db, &clock, &rng, make_keys).await?;
    if is_new && !config.dev && config.secrets.admin.is_none() {
        return Err(Failure::failed(
            "the database is empty: set RINGPASS_ADMIN_CLIENT_ID and RINGPASS_ADMIN_CLIENT_SECRET (16 characters or more) \
             for the first start, so that somebody can use the Management API",
        ));
    }
    follow_public_url(&config, &db).await.map_err(Failure::failed)?;
    if let Some(admin) = config.secrets.admin.clone() {
        keep_admin(&config, &db, admin, &rng, clock.now()).await.map_err(Failure::failed)?;
    }
    let outbound = Outbound::new(outbound::Settings {
        allow: config.outbound.allow_networks.clone(),
        connect_timeout: CONNECT_TIMEOUT.min(config.outbound.gateway_timeout),
        connect_timeout_anywhere: config.outbound.twilio.connect,
    });
    let app = App::new(config, db, clock, rng, outbound).await.map_err(Failure::failed)?;
    Ok(Arc::new(app))
}

/// Makes signing keys, the global client and the two connections of a fresh tenant; whether there was none before. Of
/// several nodes that start at once, one does it. Nothing is kept when an admin client is needed and not given.
async fn fresh_tenant(
    config: &Config,
    db: &Db,
    clock: &Clock,
    rng: &Rng,
    make_keys: MakeKeys,
) -> Result<bool, Failure> {
    let known = db.read("setup.keys", signing_keys::list).await.map_err(Failure::failed)?;
    if !known.is_empty() {
        return Ok(false);
    }
    if !config.dev && config.secrets.admin.is_none() {
        return Ok(true);
    }
    let (tenant, draw, now) = (config.http.tenant(), rng.clone(), clock.now());
    let keys = tokio::task::spawn_blocking(move || make_keys(&tenant, &draw, now));
    let keys = keys.await.ok().flatten().ok_or_else(|| Failure::failed("no signing key could be made"))?;
    let rng = rng.clone();
    db.write("setup.tenant", move |tx| {
        settings::bump_version(tx)?;
        if !signing_keys::list(tx)?.is_empty() {
            return Ok(false);
        }
        for key in &keys {
            signing_keys::insert(tx, key)?;
        }
        clients::insert(tx, &Client::global(&rng, now))?;
        for body in [
            json!({"name": "Username-Password-Authentication", "strategy": "auth0"}),
            json!({"name": "sms", "strategy": "sms", "options": {
                "name": "sms", "strategy": "sms", "syntax": "md_with_macros",
                "template": "Your verification code is: @@password@@",
                "brute_force_protection": true, "disable_signup": false,
                "totp": {"time_step": 300, "length": 6}
            }}),
        ] {
            let connection = Connection::create(&body, &rng, now).map_err(bug)?;
            connections::insert(tx, &connection)?;
        }
        Ok(true)
    })
    .await
    .map_err(Failure::failed)
}

/// Creates the admin client, or gives it the secret it should have, and a grant for every scope of the Management API.
async fn keep_admin(config: &Config, db: &Db, admin: Admin, rng: &Rng, now: Millis) -> Result<(), DbError> {
    let (audience, rng) = (config.http.management_audience(), rng.clone());
    db.write("setup.admin", move |tx| {
        settings::bump_version(tx)?;
        match clients::get(tx, &admin.client_id)? {
            Some(mut client) if client.secret != admin.client_secret => {
                client.secret = admin.client_secret;
                clients::put(tx, &client)?;
            }
            Some(_) => {}
            None => machine(tx, "Ringpass admin", &admin.client_id, admin.client_secret, &rng, now)?,
        }
        match client_grants::find(tx, &admin.client_id, &audience)? {
            // A newer version may know more scopes.
            Some(mut grant) if SCOPES.iter().any(|(scope, _)| !grant.scope().contains(scope)) => {
                grant.apply(&json!({"scope": all_scopes()})).map_err(bug)?;
                client_grants::put(tx, &grant).map(drop)
            }
            Some(_) => Ok(()),
            None => grant_all(tx, &admin.client_id, &audience, &rng, now),
        }
    })
    .await
}

/// The Management API's audience follows the public URL, so grants on it move along when that changes.
async fn follow_public_url(config: &Config, db: &Db) -> Result<(), DbError> {
    const NAME: &str = "management-audience";
    let audience = config.http.management_audience();
    db.write("setup.audience", move |tx| {
        let now: Map<String, Value> = [("audience".to_owned(), audience.as_str().into())].into_iter().collect();
        let before = settings::get(tx, NAME)?.unwrap_or_else(|| now.clone());
        if let Some(before) = before.get("audience").and_then(Value::as_str).filter(|before| *before != audience) {
            settings::bump_version(tx)?;
            client_grants::move_audience(tx, before, &audience)?;
        }
        settings::put(tx, NAME, &now)
    })
    .await
}

/// Adds a machine-to-machine client with a chosen id and secret.
fn machine(tx: &mut Tx<'_>, name: &str, id: &str, secret: Secret, rng: &Rng, now: Millis) -> Result<(), DbError> {
    let body = json!({
        "name": name, "app_type": "non_interactive", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post"
    });
    let mut client = Client::create(&body, rng, now).map_err(bug)?;
    id.clone_into(&mut client.id);
    client.secret = secret;
    clients::insert(tx, &client).map(drop)
}

/// Grants a client every scope of the Management API.
fn grant_all(tx: &mut Tx<'_>, client_id: &str, audience: &str, rng: &Rng, now: Millis) -> Result<(), DbError> {
    let body = json!({"client_id": client_id, "audience": audience, "scope": all_scopes()});
    let grant = ClientGrant::create(&body, rng, now).map_err(bug)?;
    client_grants::insert(tx, &grant).map(drop)
}

fn all_scopes() -> Vec<&'static str> {
    SCOPES.iter().map(|(name, _)| *name).collect()
}

fn bug(invalid: Invalid) -> DbError {
    DbError::Failed(invalid.message)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
