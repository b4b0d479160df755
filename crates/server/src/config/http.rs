//! Listeners, certificates and the origin that clients use.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::{Host, Url};

use super::sources::{ConfigError, Values};
use super::{Mode, dev};

/// Where the server listens and what clients call it.
#[derive(Debug, Clone)]
pub struct Http {
    /// Origin that clients use: http or https, a host, perhaps a port; nothing else.
    pub public_url: Url,
    /// Plain HTTP listener.
    pub plain: Option<SocketAddr>,
    /// TLS listener.
    pub tls: Option<Tls>,
    /// Listener for `/livez`, `/readyz` and `/metrics`.
    pub ops: Option<SocketAddr>,
    /// Networks of the proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

/// A TLS listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Address to listen on.
    pub addr: SocketAddr,
    /// Certificate chain, PEM, the server's own first.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

impl Http {
    /// The origin with `/` behind it: `iss` of every token.
    pub fn issuer(&self) -> String {
        // An origin as a URL: the slash is its path.
        self.public_url.as_str().to_owned()
    }

    /// The audience of the Management API: the origin and `/api/v2/`.
    pub fn management_audience(&self) -> String {
        format!("{}api/v2/", self.public_url)
    }

    /// The audience of the MFA API: the origin and `/mfa/`.
    pub fn mfa_audience(&self) -> String {
        format!("{}mfa/", self.public_url)
    }

    /// The audience of `/userinfo`: the issuer and `userinfo`.
    pub fn userinfo_audience(&self) -> String {
        format!("{}userinfo", self.issuer())
    }

    /// First label of the public host; `localhost` when the host is an IP address.
    pub fn tenant(&self) -> String {
        match self.public_url.host() {
            Some(Host::Domain(name)) => name.split('.').next().unwrap_or(name).to_owned(),
            _ => "localhost".to_owned(),
        }
    }

    /// Whether clients reach the server on this machine only.
    pub fn is_loopback(&self) -> bool {
        match self.public_url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    pub(super) fn read(mode: Mode, values: &Values, data: &Path) -> Result<Self, ConfigError> {
        let dev = mode == Mode::Dev;
        let plain = address(values, "http", dev.then_some(SocketAddr::from(([127, 0, 0, 1], 8080))))?;
        let https = address(values, "https", dev.then_some(SocketAddr::from(([127, 0, 0, 1], 8443))))?;
        if mode == Mode::Serve && plain.is_none() && https.is_none() {
            return Err(ConfigError::new(format!(
                "no listener: give {} or {}, such as 0.0.0.0:8080",
                Values::name("http"),
                Values::name("https")
            )));
        }
        if https.is_none() && mode == Mode::Serve {
            // A certificate without a listener for it is a mistake that would leave sign-ins readable.
            if let Some(cert) = values.text("tls_cert") {
                return Err(cert.wrong("give --https (RINGPASS_HTTPS) as well, or leave the certificate out"));
            }
        }
        Ok(Self {
            public_url: public_url(mode, values, https)?,
            plain,
            tls: https.map(|addr| tls(mode, values, data, addr)).transpose()?,
            ops: address(values, "ops", None)?,
            trusted_proxies: values.networks("trusted_proxies", "")?,
        })
    }
}

fn address(values: &Values, key: &str, default: Option<SocketAddr>) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(value) = values.text(key) else { return Ok(default) };
    // `localhost:8080` and `:8080` are what people try first.
    let text = match value.text().trim().rsplit_once(':') {
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        Some(("", port)) => format!("0.0.0.0:{port}"),
        _ => value.text().trim().to_owned(),
    };
    text.parse().map(Some).map_err(|_| value.wrong("write an address and a port, such as 127.0.0.1:8080 or [::]:8080"))
}

fn tls(mode: Mode, values: &Values, data: &Path, addr: SocketAddr) -> Result<Tls, ConfigError> {
    let missing = |key: &str, other: &str| {
        let (key, other) = (Values::name(key), Values::name(other));
        ConfigError::new(format!("{other} is set without {key}: give both PEM files"))
    };
    match (values.path("tls_cert"), values.path("tls_key")) {
        (Some(cert), Some(key)) => Ok(Tls { addr, cert, key }),
        (None, None) if mode == Mode::Dev => {
            Ok(Tls { addr, cert: data.join(dev::SERVER_CERT), key: data.join(dev::SERVER_KEY) })
        }
        (Some(_), None) => Err(missing("tls_key", "tls_cert")),
        (None, Some(_)) => Err(missing("tls_cert", "tls_key")),
        (None, None) => Err(ConfigError::new(format!(
            "{} needs a certificate: give {} and {}",
            Values::name("https"),
            Values::name("tls_cert"),
            Values::name("tls_key")
        ))),
    }
}

fn public_url(mode: Mode, values: &Values, https: Option<SocketAddr>) -> Result<Url, ConfigError> {
    let Some(value) = values.text("public_url") else {
        let port = https.map_or(8443, |addr| addr.port());
        let todo = match mode {
            Mode::Serve => "is missing: give the origin that clients use, such as https://login.example.com",
            _ if port == 0 => "must be given when --https has port 0",
            _ => "has no default",
        };
        let missing = || ConfigError::new(format!("{} {todo}", Values::name("public_url")));
        let default = (mode != Mode::Serve && port != 0).then(|| format!("https://localhost:{port}"));
        return default.and_then(|url| Url::parse(&url).ok()).ok_or_else(missing);
    };
    let wrong = || {
        value.wrong("write an origin such as https://login.example.com: http or https, a host, no path and no query")
    };
    let url = Url::parse(value.text().trim()).map_err(|_| wrong())?;
    let plain_origin = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if plain_origin { Ok(url) } else { Err(wrong()) }
}
