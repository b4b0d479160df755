//! Starts the real binary on an empty data folder and configures it through its Management API.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};

use crate::http::Caller;
use crate::load::{AUDIENCE, Target};
use crate::process::{Process, free_addresses};
use crate::{Result, random};

/// How to start this server again on the same data folder.
#[derive(Debug)]
pub struct Ringpass {
    binary: PathBuf,
    folder: PathBuf,
    addr: SocketAddr,
    ops: SocketAddr,
    master_key: String,
    admin_secret: String,
}

impl Ringpass {
    /// Prepares an empty data folder inside `folder`; starts nothing yet.
    pub fn new(binary: &Path, folder: &Path) -> Result<Self> {
        if !binary.is_file() {
            return Err(format!(
                "{} does not exist; build it with cargo build --release --workspace --bins",
                binary.display()
            )
            .into());
        }
        let folder = folder.join("ringpass");
        fs::create_dir_all(&folder)?;
        let (addr, ops) = free_addresses()?;
        Ok(Self {
            binary: binary.to_owned(),
            folder,
            addr,
            ops,
            master_key: BASE64_STANDARD.encode(random::bytes::<32>()?),
            admin_secret: BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<24>()?),
        })
    }

    /// Starts the server, waits until it is ready, and sets up one client whose codes go to `gateway_url`.
    pub async fn start(&self, gateway_url: &str) -> Result<Target> {
        let mut process = self.spawn()?;
        process.answers(self.ops, "/readyz").await?;
        let mut api = self.api().await?;
        let client = api.configure(gateway_url).await?;
        let text =
            |member| client.get(member).and_then(Value::as_str).map(str::to_owned).ok_or("no client id or secret");
        let (client_id, client_secret) = (text("client_id")?, text("client_secret")?);
        Ok(Target { name: "ringpass", process, addr: self.addr, client_id, client_secret, used: 0 })
    }

    /// Starts the server on the folder it left behind; returns the time from spawn to the first 200.
    pub async fn time_to_first_answer(&self) -> Result<Duration> {
        let mut process = self.spawn()?;
        let time = process.answers(self.addr, "/.well-known/jwks.json").await?;
        process.stop().await?;
        Ok(time)
    }

    fn spawn(&self) -> Result<Process> {
        let mut command = Command::new(&self.binary);
        command.env_clear();
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

    async fn api(&self) -> Result<Api> {
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

struct Api {
    caller: Caller,
    token: String,
}

impl Api {
    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.caller.expect(method, path, Some(&self.token), body.as_ref()).await
    }

    /// Makes the API and the client, points the `sms` connection at the gateway; returns the client.
    async fn configure(&mut self, gateway_url: &str) -> Result<Value> {
        let resource_server = json!({ "identifier": AUDIENCE, "name": "bench" });
        self.send(Method::POST, "/api/v2/resource-servers", Some(resource_server)).await?;
        let client = json!({
            "name": "bench", "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["http://auth0.com/oauth/grant-type/passwordless/otp"],
        });
        let client = self.send(Method::POST, "/api/v2/clients", Some(client)).await?;
        let found = self.send(Method::GET, "/api/v2/connections?strategy=sms", None).await?;
        let connection = found.pointer("/0/id").and_then(Value::as_str).ok_or("the tenant has no sms connection")?;
        let options = json!({
            "name": "sms", "strategy": "sms", "provider": "sms_gateway", "gateway_url": gateway_url,
            "gateway_authentication": {
                "method": "bearer", "subject": "urn:Auth0", "audience": "urn:BenchGateway",
                "secret": BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<24>()?), "secret_base64_encoded": false,
            },
            "from": "+4915100000000", "template": "Your verification code is: @@password@@",
            "syntax": "md_with_macros", "totp": { "time_step": 300, "length": 6 },
            "brute_force_protection": true, "disable_signup": false,
        });
        let path = format!("/api/v2/connections/{connection}");
        self.send(Method::PATCH, &path, Some(json!({ "options": options }))).await?;
        let enabled = json!([{ "client_id": client.get("client_id"), "status": true }]);
        self.send(Method::PATCH, &format!("{path}/clients"), Some(enabled)).await?;
        Ok(client)
    }
}

const ADMIN: &str = "bench-admin";
