//! The program itself: started as an operator starts it, on a folder or a PostgreSQL database of its own, and treated badly.
//!
//! Without `RINGPASS_TEST_POSTGRES` every test runs on SQLite and those that need several nodes say that they were left
//! out; with it, those that need a SQLite file are left out instead.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking and say what they leave out"
)]

mod commands;
mod crash;
mod full;
mod hang;
mod nodes;
mod number;
mod removal;
mod reseal;
mod restart;
mod stop;
mod tls;
mod twilio;
mod watching;

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ringpass_core::kit::hash;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::storage::{Db, DbError, Settings, Url};
use ringpass_simulator::Gateway;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const ADMIN: &str = "admin";
const ADMIN_SECRET: &str = "admin-secret-of-the-tests";
const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
/// The origin that clients use; nothing listens there, and the issuer stays the same over restarts.
const PUBLIC: &str = "http://localhost:9";

/// The PostgreSQL of this run, if there is one.
#[expect(clippy::disallowed_methods, reason = "a test binary has no configuration of its own")]
fn postgres() -> Option<String> {
    std::env::var("RINGPASS_TEST_POSTGRES").ok()
}

/// The same, or a line that says which test is left out.
fn need_postgres(test: &str) -> Option<String> {
    let url = postgres();
    if url.is_none() {
        eprintln!("{test}: left out, it needs RINGPASS_TEST_POSTGRES (scripts/postgres run cargo test)");
    }
    url
}

/// Whether this is the SQLite run; a line says which test is left out of the other.
fn on_sqlite(test: &str) -> bool {
    if postgres().is_some() {
        eprintln!("{test}: left out, it needs a SQLite file (unset RINGPASS_TEST_POSTGRES)");
    }
    postgres().is_none()
}

/// A database, a gateway that remembers codes, and what every node is started with.
struct World {
    name: String,
    folder: PathBuf,
    database: Url,
    gateway: Gateway,
    /// Codes that arrived, by phone number, oldest first.
    codes: Codes,
    /// The client that signs in.
    client_id: String,
    /// The `sms` connection.
    connection_id: String,
    /// A Management API token.
    token: String,
}

type Codes = Arc<Mutex<HashMap<String, Vec<String>>>>;

impl World {
    /// An empty database on the engine of this run, and a gateway that takes everything.
    async fn empty(name: &str) -> Self {
        Self::on(name, postgres().as_deref()).await
    }

    /// The same on SQLite, or in a new database of the PostgreSQL at `url`.
    async fn on(name: &str, url: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ringpass_{name}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(&name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let database = match url {
            None => Url::Sqlite(folder.join("ringpass.db")),
            Some(url) => {
                sql(url, &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
                let mut url = url::Url::parse(url).unwrap();
                url.set_path(&name);
                Url::Postgres(url.into())
            }
        };
        let (gateway, codes) = (Gateway::start().await.unwrap(), Codes::default());
        let seen = Arc::clone(&codes);
        gateway.hand_to(move |message| {
            let (phone, code) = (message.recipient().unwrap(), message.code().unwrap());
            seen.lock().unwrap().entry(phone).or_default().push(code);
        });
        let [client_id, connection_id, token] = [const { String::new() }; 3];
        Self { name, folder, database, gateway, codes, client_id, connection_id, token }
    }

    /// A world with a running server, a client without a secret, and the `sms` connection on the gateway.
    async fn new(name: &str) -> (Self, Server) {
        let mut world = Self::empty(name).await;
        let server = world.serve(&[]).await;
        world.set_up(&server).await;
        (world, server)
    }

    /// Makes the client and points the `sms` connection at the gateway, through the Management API.
    async fn set_up(&mut self, server: &Server) {
        self.token = server.management_token().await;
        self.client_id = server.new_client(self, "caller").await;
        let all = server.api(self, "GET", "/connections?strategy=sms", None).await.is(200);
        all[0]["id"].as_str().unwrap().clone_into(&mut self.connection_id);
        self.send_through(server, &self.connection_id, &self.gateway.url()).await;
        self.enable(server, &self.client_id, true).await;
    }

    async fn send_through(&self, server: &Server, connection_id: &str, gateway_url: &str) {
        let options = json!({
            "provider": "sms_gateway", "gateway_url": gateway_url, "from": "+15550009999", "syntax": "md_with_macros",
            "template": "Your code is @@password@@", "brute_force_protection": true, "disable_signup": false,
            "gateway_authentication": {"method": "bearer", "subject": "urn:Auth0", "audience": "urn:tests",
                "secret": "gateway-secret", "secret_base64_encoded": false}
        });
        let body = json!({"options": options});
        server.api(self, "PATCH", &format!("/connections/{connection_id}"), Some(body)).await.is(200);
    }

    async fn enable(&self, server: &Server, client_id: &str, enabled: bool) {
        let body = json!([{"client_id": client_id, "status": enabled}]);
        let path = format!("/connections/{}/clients", self.connection_id);
        server.api(self, "PATCH", &path, Some(body)).await.is(204);
    }

    /// The variables that every node of this world is started with.
    fn variables(&self) -> Vec<(String, String)> {
        let database = match &self.database {
            Url::Sqlite(path) => format!("sqlite:{}", path.display()),
            Url::Postgres(url) => url.clone(),
        };
        let variables = [
            ("RINGPASS_DATA", self.folder.display().to_string()),
            ("RINGPASS_DATABASE_URL", database),
            ("RINGPASS_PUBLIC_URL", PUBLIC.to_owned()),
            ("RINGPASS_MASTER_KEY", master_key()),
            ("RINGPASS_ADMIN_CLIENT_ID", ADMIN.to_owned()),
            ("RINGPASS_ADMIN_CLIENT_SECRET", ADMIN_SECRET.to_owned()),
            ("RINGPASS_ALLOW_NETWORKS", "127.0.0.0/8".to_owned()),
            ("RINGPASS_LIMITS", "off".to_owned()),
            ("RINGPASS_DATABASE_CONNECTIONS", "4".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The command `ringpass …` with this world's variables, changed by `extra`; an empty value takes one away.
    fn command(&self, args: &[&str], extra: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringpass"));
        command.args(args).env_clear().stdin(Stdio::null());
        command.envs(self.variables());
        for (name, value) in extra {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command
    }

    /// Runs a command that ends by itself: its exit code and what it wrote.
    fn run(&self, args: &[&str], extra: &[(&str, &str)]) -> (i32, String) {
        let log = self.folder.join("command.log");
        let file = File::create(&log).unwrap();
        let mut command = self.command(args, extra);
        let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let status = wait(&mut child, Duration::from_secs(20));
        let text = fs::read_to_string(&log).unwrap();
        let Some(status) = status else {
            let _ = child.kill();
            panic!("{args:?} did not end: {text}");
        };
        (status.code().unwrap_or(-1), text)
    }

    /// Starts a node and waits until it is ready.
    async fn serve(&self, extra: &[(&str, &str)]) -> Server {
        self.launch("serve", extra).await
    }

    async fn launch(&self, mode: &str, extra: &[(&str, &str)]) -> Server {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let (http, ops) = (free_port(), free_port());
            let addresses = [format!("127.0.0.1:{http}"), format!("127.0.0.1:{ops}")];
            let log = self.folder.join(format!("server-{}.log", COUNT.fetch_add(1, Ordering::SeqCst)));
            let file = File::create(&log).unwrap();
            let mut command = self.command(&[mode, "--http", &addresses[0], "--ops", &addresses[1]], extra);
            let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
            let [url, ops] = addresses.map(|address| format!("http://{address}"));
            let mut server = Server { child, url, ops, log, http: http_client() };
            match server.ready().await {
                Ok(()) => return server,
                // Another program took the port in between.
                Err(text) if text.contains("is in use") => {}
                Err(text) => panic!("the server did not become ready: {text}"),
            }
        }
    }

    /// Takes the codes that arrived for a number.
    fn codes_of(&self, phone: &str) -> Vec<String> {
        self.codes.lock().unwrap().get(phone).cloned().unwrap_or_default()
    }

    /// Opens the database beside the servers (on SQLite: after them).
    async fn open(&self) -> Db {
        let keys = Arc::new(MasterKeys::parse(&master_key()).unwrap());
        let open = || {
            let keys = Arc::clone(&keys);
            Db::open(Settings { url: self.database.clone(), queue: 100, connections: 1, durable: true, keys })
        };
        // A process that another test starts at this moment holds a copy of our lock until it is under way.
        for _ in 0..200 {
            match open().await {
                Err(DbError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                opened => return opened.unwrap(),
            }
        }
        open().await.unwrap()
    }

    /// What one number in the database is.
    async fn count(&self, statement: &'static str) -> i64 {
        let db = self.open().await;
        let row = db.read("test", move |tx| tx.query_one(statement, &[])).await.unwrap().unwrap();
        db.close().await;
        row.int(0).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the folder {} is kept", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A running node; it is killed when this is dropped.
struct Server {
    child: Child,
    url: String,
    ops: String,
    log: PathBuf,
    http: Http,
}

type Http = Client<HttpConnector, Full<Bytes>>;

impl Server {
    /// Waits for readiness; what the server wrote when it ends or takes too long.
    async fn ready(&mut self) -> Result<(), String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if let Ok(answer) = send(&self.http, "GET", &format!("{}/readyz", self.ops), &[], None).await
                && answer.status == 200
            {
                return Ok(());
            }
            if self.child.try_wait().unwrap().is_some() {
                return Err(self.written());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(self.written())
    }

    /// What it wrote so far.
    fn written(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills it without a warning.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits for the end.
    async fn stop(mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        tokio::task::spawn_blocking(move || {
            let ended = wait(&mut self.child, within);
            ended.unwrap_or_else(|| panic!("still running {within:?} after SIGTERM: {}", self.written()))
        })
        .await
        .unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Result<Answer, String> {
        send(&self.http, "POST", &format!("{}{path}", self.url), &[], Some(body)).await
    }

    /// Starts a sign-in.
    async fn start(&self, client_id: &str, phone: &str) -> Result<Answer, String> {
        let body = json!({"client_id": client_id, "connection": "sms", "phone_number": phone, "send": "code"});
        self.post("/passwordless/start", body).await
    }

    /// Exchanges a code for an ID token and an opaque access token.
    async fn exchange(&self, client_id: &str, phone: &str, code: &str) -> Result<Answer, String> {
        let body = json!({
            "grant_type": OTP, "client_id": client_id, "realm": "sms", "username": phone, "otp": code,
            "scope": "openid profile phone"
        });
        self.post("/oauth/token", body).await
    }

    async fn userinfo(&self, token: &str) -> Result<Answer, String> {
        let bearer = format!("Bearer {token}");
        send(&self.http, "GET", &format!("{}/userinfo", self.url), &[("authorization", &bearer)], None).await
    }

    async fn readyz(&self) -> Answer {
        send(&self.http, "GET", &format!("{}/readyz", self.ops), &[], None).await.unwrap()
    }

    async fn management_token(&self) -> String {
        let body = json!({
            "grant_type": "client_credentials", "client_id": ADMIN, "client_secret": ADMIN_SECRET,
            "audience": format!("{PUBLIC}/api/v2/")
        });
        let answer = self.post("/oauth/token", body).await.unwrap().is(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A call of the Management API as the administrator.
    async fn api(&self, world: &World, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", world.token);
        let url = format!("{}/api/v2{path}", self.url);
        send(&self.http, method, &url, &[("authorization", &bearer)], body).await.unwrap()
    }

    async fn new_client(&self, world: &World, name: &str) -> String {
        let body = json!({
            "name": name, "app_type": "native", "token_endpoint_auth_method": "none", "oidc_conformant": true,
            "grant_types": [OTP, "refresh_token"]
        });
        let client = self.api(world, "POST", "/clients", Some(body)).await.is(201);
        client["client_id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer; the body is JSON or null.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    #[track_caller]
    fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Whether this is what callers get while the database cannot serve.
    fn is_unavailable(&self) -> bool {
        self.status == 503
            && self.body["error"] == "temporarily_unavailable"
            && self.headers.contains_key("retry-after")
    }

    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap().to_owned()
    }
}

/// No request of these tests may take longer, whatever happens to the server.
const PATIENCE: Duration = Duration::from_secs(10);

async fn send(
    http: &Http,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Result<Answer, String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
    let exchange = async {
        let answer = http.request(request).await.map_err(|error| format!("no answer: {error:?}"))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| format!("half an answer: {error:?}"))?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await;
    answer.unwrap_or_else(|_| panic!("{method} {url} had no answer within {PATIENCE:?}"))
}

fn http_client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

fn master_key() -> String {
    hash::base64(&[7; 32])
}

/// A port of this machine below those that outgoing connections draw.
fn free_port() -> u16 {
    let rng = Rng::system();
    loop {
        let port = 10_000 + u16::from_be_bytes(rng.bytes::<2>()) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for a process; `None` when it takes too long.
fn wait(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < within {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Runs statements on a PostgreSQL.
async fn sql(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
}

/// A number nobody else uses in this world.
fn phone(number: usize) -> String {
    format!("+1202555{number:04}")
}
