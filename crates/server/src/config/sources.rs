//! Where a setting's text comes from: flag, environment variable, TOML key. One table names them all.
//!
//! A setting's key is its name in the TOML file; its variable is `RINGPASS_` and the key in capitals. A secret also has a
//! `_file` key and a `_FILE` variable that name a file holding it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringpass_core::kit::secret::Secret;

/// One setting of the process.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Key in the TOML file.
    pub key: &'static str,
    /// Flag on the command line, where there is one.
    pub flag: Option<&'static str>,
    /// Whether it may hold a secret: never quoted in an error, and readable from a file.
    pub secret: bool,
}

/// Every setting, in the order in which `check-config` shows them.
pub const SETTINGS: &[Setting] = &[
    open("data", Some("--data")),
    open("public_url", Some("--public-url")),
    open("http", Some("--http")),
    open("https", Some("--https")),
    open("tls_cert", Some("--tls-cert")),
    open("tls_key", Some("--tls-key")),
    open("ops", Some("--ops")),
    open("trusted_proxies", Some("--trusted-proxies")),
    Setting { key: "database_url", flag: Some("--database"), secret: true },
    open("database_queue", None),
    open("database_connections", None),
    open("database_readers", None),
    Setting { key: "master_key", flag: None, secret: true },
    open("admin_client_id", None),
    Setting { key: "admin_client_secret", flag: None, secret: true },
    open("redact_provider_secrets", None),
    open("limits", Some("--limits")),
    open("built_in_messages", None),
    open("log_retention_days", None),
    open("search_rows", None),
    open("signing_key_rotation_days", None),
    open("start_burst", None),
    open("start_refill_seconds", None),
    open("allow_networks", Some("--allow-networks")),
    open("gateway_timeout_seconds", None),
    open("twilio_base_url", None),
    open("user_agent", None),
    open("log_format", Some("--log-format")),
    open("log", None),
];

const fn open(key: &'static str, flag: Option<&'static str>) -> Setting {
    Setting { key, flag, secret: false }
}

/// The settings that have a flag.
#[expect(clippy::doc_markdown, reason = "these comments are the text of --help")]
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Folder of the embedded database and of the development files (RINGPASS_DATA; default ./ringpass-data)
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// `sqlite:PATH` or `postgres://...` (RINGPASS_DATABASE_URL; default SQLite in the data folder)
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Plain HTTP listener, such as 0.0.0.0:8080 (RINGPASS_HTTP; dev default 127.0.0.1:8080)
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// TLS listener, such as 0.0.0.0:8443 (RINGPASS_HTTPS; dev default 127.0.0.1:8443)
    #[arg(long, value_name = "ADDR")]
    pub https: Option<String>,
    /// Certificate chain of the TLS listener, PEM; read again when it changes (RINGPASS_TLS_CERT)
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// Private key of the TLS listener, PEM (RINGPASS_TLS_KEY)
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Origin that clients use, such as `https://login.example.com` (RINGPASS_PUBLIC_URL; dev default `https://localhost:8443`)
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Separate listener for /livez, /readyz and /metrics (RINGPASS_OPS)
    #[arg(long, value_name = "ADDR")]
    pub ops: Option<String>,
    /// `documented`, or `off` for load tests (RINGPASS_LIMITS; default documented)
    #[arg(long, value_name = "WORD")]
    pub limits: Option<String>,
    /// Private networks that gateways may stand on, as CIDRs (RINGPASS_ALLOW_NETWORKS; dev default 127.0.0.0/8,::1/128)
    #[arg(long, value_name = "LIST")]
    pub allow_networks: Option<String>,
    /// Proxies whose X-Forwarded-For counts, as CIDRs (RINGPASS_TRUSTED_PROXIES)
    #[arg(long, value_name = "LIST")]
    pub trusted_proxies: Option<String>,
    /// `json` or `human` (RINGPASS_LOG_FORMAT; default json for serve, human otherwise)
    #[arg(long, value_name = "WORD")]
    pub log_format: Option<String>,
    /// TOML file with any of the settings (RINGPASS_CONFIG)
    #[arg(long, value_name = "FILE")]
    pub config: Option<String>,
}

impl Flags {
    fn get(&self, key: &str) -> Option<&String> {
        match key {
            "data" => self.data.as_ref(),
            "database_url" => self.database.as_ref(),
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            "tls_cert" => self.tls_cert.as_ref(),
            "tls_key" => self.tls_key.as_ref(),
            "public_url" => self.public_url.as_ref(),
            "ops" => self.ops.as_ref(),
            "limits" => self.limits.as_ref(),
            "allow_networks" => self.allow_networks.as_ref(),
            "trusted_proxies" => self.trusted_proxies.as_ref(),
            "log_format" => self.log_format.as_ref(),
            _ => None,
        }
    }
}

/// The environment's variables that settings are read from.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own `RINGPASS_…` variables. One that is no Unicode text is an error.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn process() -> Result<Self, ConfigError> {
        let mut variables = BTreeMap::new();
        for setting in SETTINGS {
            for name in [variable(setting.key), variable(&format!("{}_file", setting.key))] {
                read_variable(&mut variables, &name, std::env::var_os(&name))?;
            }
        }
        read_variable(&mut variables, CONFIG_VARIABLE, std::env::var_os(CONFIG_VARIABLE))?;
        Ok(Self(variables))
    }

    /// Variables given by hand, for tests.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// A variable's text; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A sentence for the operator: which setting, what is wrong, what to do. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// A setting's text and where it was found.
pub(super) struct Value {
    text: Secret,
    origin: String,
    secret: bool,
}

impl Value {
    /// The text.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// An error sentence that names the origin, shows the text unless it is a secret, and says what to do.
    pub(super) fn wrong(&self, todo: &str) -> ConfigError {
        if self.secret {
            ConfigError(format!("{}: {todo}", self.origin))
        } else {
            ConfigError(format!("{} is `{}`: {todo}", self.origin, self.text()))
        }
    }
}

/// The texts of all settings that were given, flag before variable before file.
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Asks the three sources for every setting.
    pub(super) fn collect(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let file = match flags.config.as_ref().or_else(|| environment.get(CONFIG_VARIABLE)) {
            Some(path) => read_toml(path)?,
            None => FileTexts { path: String::new(), texts: BTreeMap::new() },
        };
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            if let Some(value) = find(*setting, flags, environment, &file)? {
                values.insert(setting.key, value);
            }
        }
        Ok(Self(values))
    }

    /// A setting, `None` where nobody gave it.
    pub(super) fn text(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A path.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|value| PathBuf::from(value.text()))
    }

    /// A secret text.
    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        self.text(key).map(|value| value.text.clone())
    }

    /// A setting as `T`, or the default; `todo` completes the error sentence.
    pub(super) fn parse<T: std::str::FromStr>(&self, key: &str, default: T, todo: &str) -> Result<T, ConfigError> {
        self.text(key).map_or(Ok(default), |value| value.text().trim().parse().map_err(|_| value.wrong(todo)))
    }

    /// Seconds, more than none and at most a day; fractions are allowed.
    pub(super) fn seconds(&self, key: &str, default: Duration) -> Result<Duration, ConfigError> {
        let todo = "write a number of seconds, more than 0 and at most 86400";
        let Some(value) = self.text(key) else { return Ok(default) };
        let number = value.text().trim().parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 86_400.0);
        number.and_then(|number| Duration::try_from_secs_f64(number).ok()).ok_or_else(|| value.wrong(todo))
    }

    /// Networks separated by commas; a lone address is a network of one.
    pub(super) fn networks(&self, key: &str, default: &str) -> Result<Vec<ipnet::IpNet>, ConfigError> {
        let value = self.text(key);
        let list = value.map_or(default, Value::text);
        let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            part.parse().ok().or_else(|| part.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from)).ok_or_else(
                || {
                    let todo = format!("`{part}` is no network; write networks like 10.0.0.0/8,fd00::/8");
                    value.map_or_else(|| ConfigError::new(todo.clone()), |value| value.wrong(&todo))
                },
            )
        };
        parts.map(read).collect()
    }

    /// How the operator can give a setting, for error sentences: `--public-url (RINGPASS_PUBLIC_URL)`.
    pub(super) fn name(key: &str) -> String {
        let flag = SETTINGS.iter().find(|setting| setting.key == key).and_then(|setting| setting.flag);
        flag.map_or_else(|| variable(key), |flag| format!("{flag} ({})", variable(key)))
    }
}

fn find(
    setting: Setting,
    flags: &Flags,
    environment: &Environment,
    file: &FileTexts,
) -> Result<Option<Value>, ConfigError> {
    let Setting { key, flag, secret } = setting;
    let made = |text: &str, origin: String| Some(Value { text: Secret::new(text), origin, secret });
    if let Some(text) = flags.get(key) {
        return Ok(made(text, flag.unwrap_or_default().to_owned()));
    }
    let (name, file_key) = (variable(key), format!("{key}_file"));
    let file_name = variable(&file_key);
    match (environment.get(&name), environment.get(&file_name).filter(|_| secret)) {
        (Some(_), Some(_)) => return Err(both(&name, &file_name)),
        (Some(text), None) => return Ok(made(text, name)),
        (None, Some(path)) => return Ok(made(&read_secret(path, &file_name)?, format!("{file_name} ({path})"))),
        (None, None) => {}
    }
    match (file.texts.get(key), file.texts.get(&file_key)) {
        (Some(_), Some(_)) => Err(both(&format!("`{key}`"), &format!("`{file_key}` in {}", file.path))),
        (Some(text), None) => Ok(made(text.expose(), format!("`{key}` in {}", file.path))),
        (None, Some(path)) => {
            let origin = format!("`{file_key}` in {}", file.path);
            Ok(made(&read_secret(path.expose(), &origin)?, format!("{origin} ({})", path.expose())))
        }
        (None, None) => Ok(None),
    }
}

fn both(one: &str, other: &str) -> ConfigError {
    ConfigError(format!("{one} and {other} are both set: keep one of them"))
}

/// The file's text without the line break that editors put at its end.
fn read_secret(path: &str, origin: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError(format!(
            "{origin} names {path}, which cannot be read ({error}): check the path and its permissions"
        ))
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(ConfigError(format!("{origin} names {path}, which is empty: put the secret into it")));
    }
    Ok(text.to_owned())
}

struct FileTexts {
    path: String,
    texts: BTreeMap<String, Secret>,
}

fn read_toml(path: &str) -> Result<FileTexts, ConfigError> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| {
        ConfigError(format!("the configuration file {path} cannot be read ({error}): check --config"))
    })?;
    // Only the message and the line are told: the parser's own report quotes the line, which may hold a secret.
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map_or(1, |head| head.matches('\n').count() + 1);
        ConfigError(format!("{path}, line {line}, is not valid TOML: correct it ({})", error.message()))
    })?;
    let mut texts = BTreeMap::new();
    for (key, value) in table {
        let known = SETTINGS.iter().any(|setting| {
            setting.key == key || (setting.secret && key.strip_suffix("_file").is_some_and(|stem| stem == setting.key))
        });
        if !known {
            return Err(ConfigError(format!(
                "`{key}` in {path} is no setting: remove it or correct its name{}",
                meant(&key)
            )));
        }
        let text = scalar(&value)
            .ok_or_else(|| ConfigError(format!("`{key}` in {path} must be a text, a number or a list of texts")))?;
        texts.insert(key, Secret::new(text));
    }
    Ok(FileTexts { path: path.to_owned(), texts })
}

/// A TOML value as the text that a flag would hold; lists are joined by commas.
fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

/// The setting that an unknown key was perhaps meant to be.
fn meant(key: &str) -> String {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let near = SETTINGS.iter().find(|setting| {
        let flag = setting.flag.unwrap_or_default();
        plain(setting.key) == plain(key) || plain(flag) == plain(key)
    });
    near.map_or_else(String::new, |setting| format!(" (did you mean `{}`?)", setting.key))
}

fn variable(key: &str) -> String {
    format!("RINGPASS_{}", key.to_uppercase())
}

fn read_variable(
    into: &mut BTreeMap<String, String>,
    name: &str,
    value: Option<std::ffi::OsString>,
) -> Result<(), ConfigError> {
    let Some(value) = value else { return Ok(()) };
    let text = value.into_string().map_err(|_| ConfigError(format!("{name} is not valid UTF-8: set it again")))?;
    into.insert(name.to_owned(), text);
    Ok(())
}

const CONFIG_VARIABLE: &str = "RINGPASS_CONFIG";
