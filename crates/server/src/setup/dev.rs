//! What `ringpass dev` adds to a fresh tenant: clients to try every kind of sign-in, an API, a built-in gateway on the
//! `sms` connection, and `dev.json`, which tells programs where everything is.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::storage::{DbError, Tx, client_grants, clients, connections, resource_servers, settings};
use serde_json::{Map, Value, json};

use super::{bug, grant_all, machine};
use crate::app::{App, Inbox};
use crate::commands::Failure;
use crate::config;
use crate::web::dev::{GatewayCheck, Settings, WebClient, post};

/// The seeded API.
pub const API: &str = "https://api.ringpass.example";
const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
const AUDIENCE: &str = "urn:ringpass-dev";
const SUBJECT: &str = "urn:Auth0";
const DOCUMENT: &str = "dev";

/// Where this server answers.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// `http://127.0.0.1:8080`, or empty without a plain listener.
    pub http_url: String,
    /// `https://localhost:8443`, or empty without a TLS listener.
    pub https_url: String,
}

impl Addresses {
    /// From the bound listeners.
    pub fn of(plain: Option<SocketAddr>, tls: Option<SocketAddr>) -> Self {
        let reachable = |addr: SocketAddr| match addr.ip() {
            ip if ip.is_unspecified() => format!("127.0.0.1:{}", addr.port()),
            _ => addr.to_string(),
        };
        Self {
            http_url: plain.map(|addr| format!("http://{}", reachable(addr))).unwrap_or_default(),
            https_url: tls.map(|addr| format!("https://localhost:{}", addr.port())).unwrap_or_default(),
        }
    }
}

/// Seeds an empty database once, and at every start lets the built-in gateway's address follow the port. Returns what
/// the development doors need to know.
pub async fn prepare(app: &Arc<App>, addresses: &Addresses) -> Result<Settings, Failure> {
    let seed = Seed {
        public_url: app.config.http.public_url.origin().ascii_serialization(),
        management_audience: app.config.http.management_audience(),
        gateway_url: format!("{}/dev/gateway", addresses.http_url),
        gateway_secret: gateway_secret(app),
        has_admin: app.config.secrets.admin.as_ref().map(|admin| admin.client_id.clone()),
        rng: app.rng.clone(),
        now: app.clock.now(),
    };
    let known = app.configure("dev.prepare", move |tx| seed.run(tx)).await.map_err(Failure::failed)?;
    let inbox = Inbox {
        url: format!("{}/dev/post", addresses.http_url),
        authorization: post::authorization(&gateway_secret(app)),
    };
    let _ = app.inbox.set(inbox);
    let text = |name: &str| known.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let snapshot = app.snapshot();
    let secret_of = |id: &str| snapshot.client(id).map(|client| client.secret.clone()).unwrap_or_default();
    let settings = Settings {
        public_url: app.config.http.public_url.origin().ascii_serialization(),
        http_url: addresses.http_url.clone(),
        extra_hosts: Vec::new(),
        web: WebClient { client_id: text("web"), client_secret: secret_of(&text("web")) },
        spa_client_id: text("spa"),
        native_client_id: text("native"),
        api_audience: API.to_owned(),
        gateway: GatewayCheck {
            secret: Secret::new(gateway_secret(app)),
            audience: AUDIENCE.to_owned(),
            subject: SUBJECT.to_owned(),
        },
    };
    let management = text("management");
    let file = describe(app, addresses, &settings, &management, &secret_of(&management));
    write_private(&app.config.data.join("dev.json"), &file).map_err(Failure::failed)?;
    Ok(settings)
}

struct Seed {
    public_url: String,
    management_audience: String,
    gateway_url: String,
    gateway_secret: String,
    has_admin: Option<String>,
    rng: Rng,
    now: i64,
}

impl Seed {
    /// The ids of what was seeded, now or at an earlier start.
    fn run(&self, tx: &mut Tx<'_>) -> Result<Map<String, Value>, DbError> {
        let mut known = match settings::get(tx, DOCUMENT)? {
            Some(known) => self.follow_port(tx, known)?,
            None => self.fill(tx)?,
        };
        self.add_email(tx, &mut known)?;
        if let Some(admin) = &self.has_admin {
            known.insert("management".into(), admin.clone().into());
        }
        settings::put(tx, DOCUMENT, &known)?;
        Ok(known)
    }

    fn fill(&self, tx: &mut Tx<'_>) -> Result<Map<String, Value>, DbError> {
        let mut known = Map::new();
        let management = ids::client(&self.rng);
        machine(tx, "Management", &management, Secret::new(ids::client_secret(&self.rng)), &self.rng, self.now)?;
        grant_all(tx, &management, &self.management_audience, &self.rng, self.now)?;
        known.insert("management".into(), management.into());
        let api = json!({
            "identifier": API, "name": "Example API", "allow_offline_access": true, "signing_alg": "RS256",
            "scopes": [{"value": "read:messages", "description": "Read messages"}]
        });
        resource_servers::insert(tx, &ResourceServer::create(&api, &self.rng, self.now).map_err(bug)?)?;
        for (name, kind, method) in
            [("web", "regular_web", "client_secret_post"), ("spa", "spa", "none"), ("native", "native", "none")]
        {
            let client = self.client(name, kind, method)?;
            clients::insert(tx, &client)?;
            known.insert(name.into(), client.id.into());
        }
        let web = known.get("web").and_then(Value::as_str).unwrap_or_default().to_owned();
        let grant = json!({"client_id": web, "audience": API, "scope": ["read:messages"]});
        client_grants::insert(tx, &ClientGrant::create(&grant, &self.rng, self.now).map_err(bug)?)?;
        let all = connections::list(tx)?;
        if let Some(mut sms) = all.into_iter().find(|connection| connection.name == "sms") {
            self.configure(&mut sms);
            connections::put(tx, &sms)?;
            for name in ["web", "spa", "native"] {
                let id = known.get(name).and_then(Value::as_str).unwrap_or_default();
                connections::set_client(tx, &sms.id, id, true, self.now)?;
            }
            known.insert("connection".into(), sms.id.into());
            known.insert("gateway_url".into(), self.gateway_url.clone().into());
        }
        Ok(known)
    }

    /// The connection `email` for the three clients, once: it comes to databases of older releases too.
    fn add_email(&self, tx: &mut Tx<'_>, known: &mut Map<String, Value>) -> Result<(), DbError> {
        if known.contains_key("email") {
            return Ok(());
        }
        let clients: Vec<&Value> = ["web", "spa", "native"].iter().filter_map(|name| known.get(*name)).collect();
        let body = json!({
            "name": "email", "strategy": "email", "enabled_clients": clients, "options": {
                "name": "email", "brute_force_protection": true, "disable_signup": false,
                "totp": {"time_step": 300, "length": 6}
            }
        });
        let email = Connection::create(&body, &self.rng, self.now).map_err(bug)?;
        // An operator's own connection of this name stays as it is.
        connections::insert(tx, &email)?;
        known.insert("email".into(), email.id.into());
        Ok(())
    }

    fn client(&self, name: &str, kind: &str, method: &str) -> Result<Client, DbError> {
        let mut grants = vec![OTP, "authorization_code", "refresh_token"];
        if kind == "regular_web" {
            grants.push("client_credentials");
        }
        let here = format!("{}/", self.public_url);
        let body = json!({
            "name": name, "app_type": kind, "token_endpoint_auth_method": method, "grant_types": grants,
            "callbacks": ["http://localhost:3000/callback", here],
            "allowed_origins": ["http://localhost:3000", self.public_url],
            "web_origins": ["http://localhost:3000", self.public_url],
            "allowed_logout_urls": ["http://localhost:3000", here],
            "oidc_conformant": true
        });
        Client::create(&body, &self.rng, self.now).map_err(bug)
    }

    fn configure(&self, sms: &mut Connection) {
        let options = &mut sms.options.0;
        options.insert("provider".into(), "sms_gateway".into());
        options.insert("gateway_url".into(), self.gateway_url.clone().into());
        options.insert("from".into(), "+15550009999".into());
        options.insert(
            "gateway_authentication".into(),
            json!({
                "method": "bearer", "subject": SUBJECT, "audience": AUDIENCE,
                "secret": self.gateway_secret, "secret_base64_encoded": false
            }),
        );
    }

    /// A `gateway_url` that still names the built-in gateway follows the port; any other stored setting stays.
    fn follow_port(&self, tx: &mut Tx<'_>, mut known: Map<String, Value>) -> Result<Map<String, Value>, DbError> {
        let id = known.get("connection").and_then(Value::as_str).unwrap_or_default();
        let before = known.get("gateway_url").cloned();
        if let Some(mut sms) = connections::get(tx, id)?
            && sms.options.0.get("gateway_url") == before.as_ref()
            && before != Some(self.gateway_url.clone().into())
        {
            sms.options.0.insert("gateway_url".into(), self.gateway_url.clone().into());
            connections::put(tx, &sms)?;
        }
        known.insert("gateway_url".into(), self.gateway_url.clone().into());
        Ok(known)
    }
}

/// The secret that signs calls to the built-in gateway. It is the same at every start, so that a connection which went to
/// another gateway can come back.
fn gateway_secret(app: &App) -> String {
    app.hash_key.tag(&["dev gateway"])
}

fn describe(app: &App, addresses: &Addresses, settings: &Settings, management: &str, secret: &Secret) -> Value {
    let http = &app.config.http;
    let host = http.public_url.host_str().unwrap_or_default();
    let domain = http.public_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    json!({
        "domain": domain,
        "issuer": http.issuer(),
        "http_url": addresses.http_url,
        "https_url": addresses.https_url,
        "ca_file": config::dev::ca_file(&app.config.data).to_string_lossy(),
        "management": {"client_id": management, "client_secret": secret.expose()},
        "web": {"client_id": settings.web.client_id, "client_secret": settings.web.client_secret.expose()},
        "spa": {"client_id": settings.spa_client_id},
        "native": {"client_id": settings.native_client_id},
        "api": {"audience": API},
        "inbox_url": format!("{}/dev/inbox", addresses.http_url),
    })
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, value: &Value) -> Result<(), String> {
    let draft = path.with_extension("json.new");
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// What `dev` prints before it is ready: addresses, the credentials file, and two commands that work when pasted.
pub fn greeting(app: &App, addresses: &Addresses, settings: &Settings) -> String {
    let dev_json =
        fs::canonicalize(app.config.data.join("dev.json")).unwrap_or_else(|_| app.config.data.join("dev.json"));
    let (http, native) = (&addresses.http_url, &settings.native_client_id);
    format!(
        r#"Ringpass is a phone sign-in server; this one is for development.

  Try it      {http}/
  Inbox       {http}/dev/inbox
  Public URL  {public}/   (certificate: {ca})
  Credentials {file}

Start a sign-in, then exchange the newest code for tokens:

curl -sS -w '\n' {http}/passwordless/start -H 'content-type: application/json' -d '{{"client_id":"{native}","connection":"sms","phone_number":"+4915112345678","send":"code"}}'

curl -sS -w '\n' {http}/oauth/token -H 'content-type: application/json' -d "{{\"grant_type\":\"{OTP}\",\"client_id\":\"{native}\",\"realm\":\"sms\",\"username\":\"+4915112345678\",\"scope\":\"openid profile phone\",\"otp\":\"$(curl -sS {http}/dev/messages | grep -oE 'is: [0-9]+' | head -n 1 | tr -dc 0-9)\"}}"
"#,
        public = app.config.http.public_url.origin().ascii_serialization(),
        ca = config::dev::ca_file(&app.config.data).display(),
        file = dev_json.display(),
    )
}
