//! Starts the real binary on an empty data folder and configures it through its Management API.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::Method;
use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::storage::{Db, Settings, Url};
use serde_json::{Value, json};

use crate::args::Place;
use crate::http::Caller;
use crate::load::{AUDIENCE, Login, Target};
use crate::process::{Process, free_addresses};
use crate::{Result, random};

/// How to start this server again on the same data folder.
#[derive(Debug)]
pub struct Ringpass {
    binary: PathBuf,
    under: String,
    database: Option<String>,
    folder: PathBuf,
    addr: SocketAddr,
    ops: SocketAddr,
    master_key: String,
    admin_secret: String,
    twilio: Option<String>,
}

impl Ringpass {
    /// Prepares an empty data folder `folder/name`; starts nothing yet.
    pub fn new(place: &Place, folder: &Path, name: &str) -> Result<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let (addr, ops) = free_addresses()?;
        Ok(Self {
            binary: place.binary()?,
            under: place.under.clone(),
            database: place.database.clone(),
            folder,
            addr,
            ops,
            master_key: BASE64_STANDARD.encode(random::bytes::<32>()?),
            admin_secret: BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<24>()?),
            twilio: None,
        })
    }

    /// The same with a Twilio of its own at this address.
    #[must_use]
    pub fn with_twilio(self, base_url: String) -> Self {
        Self { twilio: Some(base_url), ..self }
    }

    /// Starts the server, waits until it is ready, and sets up one client whose codes go to `gateway_url`.
    pub async fn start(&self, gateway_url: &str) -> Result<Target> {
        let process = self.ready().await?;
        let client = self.api().await?.configure(gateway_url).await?;
        let text =
            |member| client.get(member).and_then(Value::as_str).map(str::to_owned).ok_or("no client id or secret");
        let (client_id, client_secret) = (text("client_id")?, text("client_secret")?);
        let caller = Login { addr: self.addr, client_id, client_secret, connection: "sms" };
        Ok(Target { name: "ringpass", process, caller, used: 0 })
    }

    /// Starts the server again on the folder and the configuration that an earlier [`Ringpass::start`] left.
    pub async fn start_again(&self, caller: &Login, used: u32) -> Result<Target> {
        let caller = Login { addr: self.addr, ..caller.clone() };
        Ok(Target { name: "ringpass", process: self.ready().await?, caller, used })
    }

    async fn ready(&self) -> Result<Process> {
        let mut process = self.spawn()?;
        process.answers(self.ops, "/readyz").await?;
        Ok(process)
    }

    /// Adds one more SMS connection, whose codes go to another gateway.
    pub async fn add_connection(&self, name: &str, client_id: &str, gateway_url: &str) -> Result<()> {
        let mut api = self.api().await?;
        let connection = json!({
            "name": name, "strategy": "sms", "options": options(name, gateway_url)?, "enabled_clients": [client_id],
        });
        api.send(Method::POST, "/api/v2/connections", Some(connection)).await.map(drop)
    }

    /// The SQLite file of the server, which must not run.
    pub async fn open(&self) -> Result<Db> {
        let settings = Settings {
            url: Url::Sqlite(self.folder.join("data").join("ringpass.db")),
            queue: 16,
            connections: 1,
            durable: true,
            keys: Arc::new(MasterKeys::parse(&self.master_key)?),
        };
        Ok(Db::open(settings).await?)
    }

    /// Starts the server on the folder it left behind; returns the time from spawn to the first 200.
    pub async fn time_to_first_answer(&self) -> Result<Duration> {
        let mut process = self.spawn()?;
        let time = process.answers(self.addr, "/.well-known/jwks.json").await?;
        process.stop().await?;
        Ok(time)
    }

    fn spawn(&self) -> Result<Process> {
        let mut words = self.under.split_ascii_whitespace();
        let mut command = match words.next() {
            None => Command::new(&self.binary),
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&self.binary);
                command
            }
        };
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if let Some(url) = &self.database {
            command.env("RINGPASS_DATABASE_URL", url);
        }
        if let Some(url) = &self.twilio {
            command.env("RINGPASS_TWILIO_BASE_URL", url);
        }
        command.env("RINGPASS_MASTER_KEY", &self.master_key);
        command.env("RINGPASS_ADMIN_CLIENT_ID", ADMIN);
        command.env("RINGPASS_ADMIN_CLIENT_SECRET", &self.admin_secret);
        command.arg("serve").arg("--data").arg(self.folder.join("data"));
        command.args(["--http", &self.addr.to_string(), "--ops", &self.ops.to_string()]);
        command.args(["--public-url", &self.public_url(), "--limits", "off", "--allow-networks", "127.0.0.0/8"]);
        Process::spawn(&mut command, &self.folder.join("server.log"))
    }

    fn public_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) async fn api(&self) -> Result<Api> {
        let mut caller = Caller::connect(self.addr).await?;
        let asked = json!({
            "grant_type": "client_credentials", "client_id": ADMIN, "client_secret": self.admin_secret,
            "audience": format!("{}/api/v2/", self.public_url()),
        });
        let answer = caller.expect(Method::POST, "/oauth/token", None, Some(&asked)).await?;
        let token = answer.get("access_token").and_then(Value::as_str).ok_or("no Management token")?.to_owned();
        Ok(Api { caller, token })
    }
}

/// The Management API, and a token for it.
pub(crate) struct Api {
    caller: Caller,
    token: String,
}

impl Api {
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.caller.expect(method, path, Some(&self.token), body.as_ref()).await
    }

    /// Makes the API and the client, points the `sms` connection at the gateway; returns the client.
    async fn configure(&mut self, gateway_url: &str) -> Result<Value> {
        let resource_server = json!({ "identifier": AUDIENCE, "name": "bench" });
        self.send(Method::POST, "/api/v2/resource-servers", Some(resource_server)).await?;
        let client = json!({
            "name": "bench", "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["http://auth0.com/oauth/grant-type/passwordless/otp", "authorization_code"],
            "callbacks": [CALLBACK],
        });
        let client = self.send(Method::POST, "/api/v2/clients", Some(client)).await?;
        let found = self.send(Method::GET, "/api/v2/connections?strategy=sms", None).await?;
        let connection = found.pointer("/0/id").and_then(Value::as_str).ok_or("the tenant has no sms connection")?;
        let options = options("sms", gateway_url)?;
        let path = format!("/api/v2/connections/{connection}");
        self.send(Method::PATCH, &path, Some(json!({ "options": options }))).await?;
        let enabled = json!([{ "client_id": client.get("client_id"), "status": true }]);
        self.send(Method::PATCH, &format!("{path}/clients"), Some(enabled)).await?;
        Ok(client)
    }
}

/// The options of an SMS connection that sends through an own gateway.
fn options(name: &str, gateway_url: &str) -> Result<Value> {
    Ok(json!({
        "name": name, "strategy": "sms", "provider": "sms_gateway", "gateway_url": gateway_url,
        "gateway_authentication": {
            "method": "bearer", "subject": "urn:Auth0", "audience": "urn:BenchGateway",
            "secret": BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<24>()?), "secret_base64_encoded": false,
        },
        "from": "+4915100000000", "template": "Your verification code is: @@password@@",
        "syntax": "md_with_macros", "totp": { "time_step": 300, "length": 6 },
        "brute_force_protection": true, "disable_signup": false,
    }))
}

const ADMIN: &str = "bench-admin";
/// Where sign-ins on the hosted pages lead back to.
pub const CALLBACK: &str = "https://app.example/callback";
