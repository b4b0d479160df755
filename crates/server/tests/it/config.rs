//! Settings: which source wins, which defaults hold, and the sentences for what is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use ringpass::config::{Config, ConfigError, DatabaseUrl, Environment, Flags, LogFormat, Mode, dev, show};
use ringpass_core::kit::rng::Rng;

const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn read(mode: Mode, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(mode, &Flags::default(), &Environment::of(pairs))
}

/// What `serve` needs at least, and more.
fn serve(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let least = [
        ("RINGPASS_MASTER_KEY", KEY),
        ("RINGPASS_PUBLIC_URL", "https://login.example.com"),
        ("RINGPASS_HTTP", "127.0.0.1:80"),
    ];
    read(Mode::Serve, &[&least, pairs].concat())
}

/// The error sentence of `serve` with one thing more.
fn refusal(name: &str, value: &str) -> String {
    serve(&[(name, value)]).unwrap_err().to_string()
}

fn file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("config");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn from_file(name: &str, text: &str) -> Result<Config, ConfigError> {
    let path = file(name, text);
    let flags = Flags { config: Some(path.display().to_string()), ..Flags::default() };
    Config::read(Mode::Dev, &flags, &Environment::default())
}

#[test]
fn dev_needs_nothing() {
    let config = read(Mode::Dev, &[]).unwrap();
    expect![[r#"
        data = "./ringpass-data"
        public_url = "https://localhost:8443"
        http = "127.0.0.1:8080"
        https = "127.0.0.1:8443"
        tls_cert = "./ringpass-data/server.pem"
        tls_key = "./ringpass-data/server-key.pem"
        # ops is not set
        trusted_proxies = []
        database_url = "sqlite:./ringpass-data/ringpass.db"
        database_queue = 16384
        database_connections = 8
        database_readers = 4
        # master_key is not set
        # admin_client_id is not set
        # admin_client_secret is not set
        redact_provider_secrets = "off"
        limits = "documented"
        built_in_messages = 100
        log_retention_days = 30
        search_rows = 100000
        signing_key_rotation_days = 0
        start_burst = 50
        start_refill_seconds = 72
        allow_networks = ["127.0.0.0/8", "::1/128"]
        gateway_timeout_seconds = 30
        twilio_base_url = "https://api.twilio.com/"
        user_agent = "Auth0"
        log_format = "human"
        log = "info"
    "#]]
    .assert_eq(&show(&config));
    assert!(config.dev);
    assert_eq!(config.http.tenant(), "localhost");
}

#[test]
fn serve_needs_little_and_assumes_nothing() {
    let config = serve(&[("RINGPASS_OPS", "127.0.0.1:9090")]).unwrap();
    assert_eq!(config.http.issuer(), "https://login.example.com/");
    assert_eq!(config.http.management_audience(), "https://login.example.com/api/v2/");
    assert_eq!(config.http.tenant(), "login");
    assert_eq!((config.http.tls, config.logs, config.dev), (None, LogFormat::Json, false));
    assert!(config.outbound.allow_networks.is_empty());
    assert_eq!(config.http.ops.unwrap().port(), 9090);
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
    let path =
        file("order.toml", "user_agent = 'file'\ngateway_timeout_seconds = 5\nlimits = 'off'\n").display().to_string();
    let environment =
        Environment::of(&[("RINGPASS_CONFIG", &path), ("RINGPASS_USER_AGENT", "env"), ("RINGPASS_LIMITS", "off")]);
    let flags = Flags { limits: Some("documented".to_owned()), ..Flags::default() };
    let config = Config::read(Mode::Dev, &flags, &environment).unwrap();
    assert!(config.limits.documented);
    assert_eq!(config.outbound.user_agent, "env");
    assert_eq!(config.outbound.gateway_timeout, Duration::from_secs(5));
}

#[test]
fn the_public_url_of_dev_follows_the_https_port() {
    let config = read(Mode::Dev, &[("RINGPASS_HTTPS", "127.0.0.1:9443")]).unwrap();
    assert_eq!(config.http.issuer(), "https://localhost:9443/");
    let config = read(Mode::Dev, &[("RINGPASS_PUBLIC_URL", "http://10.1.2.3:80")]).unwrap();
    assert_eq!((config.http.issuer().as_str(), config.http.tenant().as_str()), ("http://10.1.2.3/", "localhost"));
}

#[test]
fn lists_are_commas_or_arrays_and_an_address_is_a_network_of_one() {
    let config =
        from_file("lists.toml", "trusted_proxies = ['10.0.0.0/8', '::1']\nallow_networks = '192.168.0.0/16'\n")
            .unwrap();
    let networks: Vec<String> = config.http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.outbound.allow_networks.len(), 1);
}

#[test]
fn a_secret_can_stand_in_a_file_of_its_own() {
    let path = file("master.key", &format!("{KEY}\n")).display().to_string();
    let secret = file("secret", "0123456789abcdef\n").display().to_string();
    let config = read(
        Mode::Dev,
        &[
            ("RINGPASS_MASTER_KEY_FILE", &path),
            ("RINGPASS_ADMIN_CLIENT_ID", "admin"),
            ("RINGPASS_ADMIN_CLIENT_SECRET_FILE", &secret),
        ],
    )
    .unwrap();
    assert_eq!(config.secrets.master_keys.expose(), KEY);
    assert_eq!(config.secrets.admin.unwrap().client_secret.expose(), "0123456789abcdef");
    let config = from_file("key_file.toml", &format!("master_key_file = '{path}'")).unwrap();
    assert_eq!(config.secrets.master_keys.expose(), KEY);
    assert!(refusal("RINGPASS_MASTER_KEY_FILE", &path).contains("are both set"));
    assert!(refusal("RINGPASS_ADMIN_CLIENT_SECRET_FILE", "/nowhere/x").contains("cannot be read"));
}

#[test]
fn database_urls() {
    let url = |text: &str| serve(&[("RINGPASS_DATABASE_URL", text)]).map(|config| config.database.url);
    assert_eq!(url("sqlite:a/b.db").unwrap(), DatabaseUrl::Sqlite("a/b.db".into()));
    assert_eq!(url("sqlite:///a/b.db").unwrap(), DatabaseUrl::Sqlite("/a/b.db".into()));
    let postgres = url("postgres://me:p@ss:word@db:5432/x?sslmode=require&password=hunter2").unwrap();
    assert_eq!(format!("{postgres:?}"), "postgres://me:***@db:5432/x?sslmode=require&password=***");
    for bad in ["mysql://me:hunter2@db/x", "sqlite:", "hunter2"] {
        let error = url(bad).unwrap_err().to_string();
        assert_eq!(error, "RINGPASS_DATABASE_URL: write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE");
    }
}

#[test]
fn nothing_secret_is_ever_printed() {
    let config = serve(&[
        ("RINGPASS_ADMIN_CLIENT_ID", "admin"),
        ("RINGPASS_ADMIN_CLIENT_SECRET", "hunter2hunter2hunter2"),
        ("RINGPASS_DATABASE_URL", "postgres://me:hunter2@db/x"),
    ])
    .unwrap();
    for text in [format!("{config:?}"), show(&config)] {
        assert!(!text.contains("hunter2") && !text.contains("AQEB"), "{text}");
    }
    let short = serve(&[("RINGPASS_ADMIN_CLIENT_ID", "a"), ("RINGPASS_ADMIN_CLIENT_SECRET", "hunter2")]).unwrap_err();
    assert_eq!(short.to_string(), "RINGPASS_ADMIN_CLIENT_SECRET: write a secret of 16 characters or more");
    let broken = from_file("broken.toml", "data = 'x'\nmaster_key = hunter2\n").unwrap_err().to_string();
    assert!(broken.contains("line 2") && !broken.contains("hunter2"), "{broken}");
}

#[test]
fn what_is_shown_can_be_read_back() {
    let shown = show(&read(Mode::Dev, &[("RINGPASS_START_REFILL_SECONDS", "0.5")]).unwrap());
    assert_eq!(show(&from_file("again.toml", &shown).unwrap()), shown);
}

#[test]
fn errors_say_what_to_do() {
    let public = "RINGPASS_PUBLIC_URL";
    let origin = "write an origin such as https://login.example.com: http or https, a host, no path and no query";
    for bad in
        ["login.example.com", "https://a.example/x", "https://a.example/?x", "ftp://a.example", "https://u@a.example"]
    {
        assert_eq!(refusal(public, bad), format!("{public} is `{bad}`: {origin}"));
    }
    let twilio = "write a URL such as https://api.twilio.com, without a user name, a query or a fragment";
    for bad in
        ["api.twilio.com", "ftp://a.example", "https://u@a.example", "https://a.example/?x", "https://a.example/#x"]
    {
        let refused = refusal("RINGPASS_TWILIO_BASE_URL", bad);
        assert_eq!(refused, format!("RINGPASS_TWILIO_BASE_URL is `{bad}`: {twilio}"));
    }
    let address = "write an address and a port, such as 127.0.0.1:8080 or [::]:8080";
    assert_eq!(refusal("RINGPASS_HTTP", "8080"), format!("RINGPASS_HTTP is `8080`: {address}"));
    assert_eq!(refusal("RINGPASS_LIMITS", "on"), "RINGPASS_LIMITS is `on`: use `documented` or `off`");
    assert_eq!(refusal("RINGPASS_LOG_FORMAT", "x"), "RINGPASS_LOG_FORMAT is `x`: use `json` or `human`");
    assert_eq!(
        refusal("RINGPASS_TRUSTED_PROXIES", "10.0.0.0/8,here"),
        "RINGPASS_TRUSTED_PROXIES is `10.0.0.0/8,here`: `here` is no network; write networks like 10.0.0.0/8,fd00::/8"
    );
    assert_eq!(
        refusal("RINGPASS_DATABASE_QUEUE", "0"),
        "RINGPASS_DATABASE_QUEUE is `0`: write a whole number of 1 or more"
    );
    assert_eq!(
        refusal("RINGPASS_ADMIN_CLIENT_ID", "admin"),
        "RINGPASS_ADMIN_CLIENT_ID is set without RINGPASS_ADMIN_CLIENT_SECRET: give both or none"
    );
    assert_eq!(
        refusal("RINGPASS_HTTPS", "127.0.0.1:443"),
        "--https (RINGPASS_HTTPS) needs a certificate: give --tls-cert (RINGPASS_TLS_CERT) and --tls-key (RINGPASS_TLS_KEY)"
    );
    assert_eq!(
        refusal("RINGPASS_TLS_CERT", "a.pem"),
        "RINGPASS_TLS_CERT is `a.pem`: give --https (RINGPASS_HTTPS) as well, or leave the certificate out"
    );
    assert!(refusal("RINGPASS_LOG", "=,=").starts_with("RINGPASS_LOG is `=,=`"));
    assert!(refusal("RINGPASS_MASTER_KEY", "hunter2").contains("must be 32 bytes in base64"));
    assert!(!refusal("RINGPASS_MASTER_KEY", "hunter2").contains("hunter2"));
}

#[test]
fn serve_says_what_is_missing() {
    let missing = |pairs: &[(&str, &str)]| read(Mode::Serve, pairs).unwrap_err().to_string();
    assert!(missing(&[]).starts_with("no listener: give --http (RINGPASS_HTTP) or --https (RINGPASS_HTTPS)"));
    let url = missing(&[("RINGPASS_HTTP", "127.0.0.1:80")]);
    assert!(url.starts_with("--public-url (RINGPASS_PUBLIC_URL) is missing"), "{url}");
    let key = missing(&[("RINGPASS_HTTP", "127.0.0.1:80"), ("RINGPASS_PUBLIC_URL", "https://a.example")]);
    assert!(key.starts_with("RINGPASS_MASTER_KEY is missing"), "{key}");
    assert!(read(Mode::Migrate, &[("RINGPASS_DATABASE_URL", "postgres://db/x")]).is_ok());
}

#[test]
fn an_unknown_key_is_an_error() {
    let error = from_file("unknown.toml", "public-url = 'https://a.example'\n").unwrap_err().to_string();
    assert!(error.contains("`public-url` in ") && error.ends_with("(did you mean `public_url`?)"), "{error}");
    assert!(from_file("table.toml", "[http]\nport = 1\n").is_err());
    assert!(from_file("open_file.toml", "user_agent_file = 'x'\n").is_err());
}

#[test]
fn dev_makes_its_files_once() {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dev-files");
    let _ = std::fs::remove_dir_all(&data);
    let start = |public_url: &str| {
        let data = data.display().to_string();
        let mut config = read(Mode::Dev, &[("RINGPASS_DATA", &data), ("RINGPASS_PUBLIC_URL", public_url)]).unwrap();
        dev::prepare(&mut config, &Rng::system()).unwrap();
        let read = |name: &str| std::fs::read_to_string(config.data.join(name)).unwrap();
        (config.secrets.master_keys.expose().to_owned(), read(dev::CA_CERT), read(dev::SERVER_CERT))
    };
    let first = start("https://localhost:8443");
    assert_eq!(start("https://localhost:8443"), first);
    let other = start("https://box.example:8443");
    assert_eq!((&other.0, &other.1), (&first.0, &first.1));
    assert_ne!(other.2, first.2, "another public host needs another certificate");
    for secret in [dev::MASTER_KEY, dev::CA_KEY, dev::SERVER_KEY] {
        let mode = std::fs::metadata(data.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    assert!(dev::ca_file(&data).is_absolute());
}

#[test]
fn lifted_limits_and_readable_tokens_are_warned_of() {
    assert!(serve(&[]).unwrap().warnings().is_empty());
    let warnings =
        serve(&[("RINGPASS_LIMITS", "off"), ("RINGPASS_PUBLIC_URL", "http://a.example")]).unwrap().warnings();
    assert_eq!(warnings.len(), 2);
}
