//! The files that `ringpass dev` makes in its data folder and uses again at later starts: a master key, an authority and
//! the server's certificate.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ringpass_core::kit::certificate::LocalAuthority;
use ringpass_core::kit::hash;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::{MasterKeys, Secret};
use url::Host;

use super::sources::ConfigError;
use super::{Config, Http};

/// The authority's certificate: what clients must trust.
pub const CA_CERT: &str = "ca.pem";
/// The authority's private key.
pub const CA_KEY: &str = "ca-key.pem";
/// The server's certificate, signed by the authority.
pub const SERVER_CERT: &str = "server.pem";
/// The server's private key.
pub const SERVER_KEY: &str = "server-key.pem";
/// The sealing key.
pub const MASTER_KEY: &str = "master.key";
/// The names in the server's certificate, one a line: another public host means another certificate.
const SERVER_NAMES: &str = "server-names.txt";
/// Held while the files are made.
const LOCK: &str = "files.lock";

/// Makes what is missing in the data folder and completes `config` with it. An operator's own master key and certificate
/// are used as they are.
pub fn prepare(config: &mut Config, rng: &Rng) -> Result<(), ConfigError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data)
        .map_err(|error| broken(&config.data, "made", &error))?;
    // Two servers may start on one folder at once; the lock goes with the file handle.
    let lock = config.data.join(LOCK);
    let _held = fs::File::create(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| broken(&lock, "locked", &error))?;
    if config.secrets.master_keys.is_empty() {
        config.secrets.master_keys = master_key(&config.data, rng)?;
    }
    let own = config.http.tls.as_ref().is_some_and(|tls| tls.cert == config.data.join(SERVER_CERT));
    if own { certificates(&config.data, &config.http) } else { Ok(()) }
}

/// Where the authority's certificate lies; absolute when the folder exists.
pub fn ca_file(data: &Path) -> PathBuf {
    let path = data.join(CA_CERT);
    fs::canonicalize(&path).unwrap_or(path)
}

fn master_key(data: &Path, rng: &Rng) -> Result<Secret, ConfigError> {
    let path = data.join(MASTER_KEY);
    let key = if let Some(text) = read(&path)? {
        Secret::new(text.trim())
    } else {
        let key = Secret::new(hash::base64(&rng.bytes::<32>()));
        write(&path, key.expose(), 0o600)?;
        key
    };
    MasterKeys::parse(key.expose()).map_err(|why| ConfigError::new(format!("{}: {why}", path.display())))?;
    Ok(key)
}

fn certificates(data: &Path, http: &Http) -> Result<(), ConfigError> {
    let names = names(http);
    let listed = names.join("\n");
    let known = read(&data.join(CA_CERT))?.zip(read(&data.join(CA_KEY))?);
    let authority = if let Some((certificate_pem, key_pem)) = known {
        LocalAuthority { certificate_pem, key_pem }
    } else {
        let authority = LocalAuthority::generate().map_err(|error| refused(&error))?;
        write(&data.join(CA_KEY), &authority.key_pem, 0o600)?;
        write(&data.join(CA_CERT), &authority.certificate_pem, 0o644)?;
        remove(&data.join(SERVER_NAMES))?;
        authority
    };
    let complete = data.join(SERVER_CERT).exists() && data.join(SERVER_KEY).exists();
    if complete && read(&data.join(SERVER_NAMES))?.is_some_and(|known| known.trim() == listed) {
        return Ok(());
    }
    let (certificate, key) = authority.issue(&names).map_err(|error| refused(&error))?;
    write(&data.join(SERVER_KEY), &key, 0o600)?;
    write(&data.join(SERVER_CERT), &certificate, 0o644)?;
    write(&data.join(SERVER_NAMES), &listed, 0o644)
}

/// `localhost`, both loopback addresses, and the public host when it is another.
fn names(http: &Http) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = match http.public_url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => ip.to_string(),
        None => return names,
    };
    if !names.contains(&host) {
        names.push(host);
    }
    names
}

fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(path, "read", &error)),
    }
}

/// Writes a whole file beside its place and renames it, so that nobody ever reads half of it.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), ConfigError> {
    let beside = path.with_extension("new");
    remove(&beside)?;
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| broken(path, "written", &error))
}

fn remove(path: &Path) -> Result<(), ConfigError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(broken(path, "removed", &error)),
        _ => Ok(()),
    }
}

fn broken(path: &Path, verb: &str, error: &std::io::Error) -> ConfigError {
    let path = path.display();
    ConfigError::new(format!("{path} cannot be {verb} ({error}): check --data (RINGPASS_DATA) and its permissions"))
}

fn refused(error: &impl std::fmt::Display) -> ConfigError {
    ConfigError::new(format!(
        "the development certificate could not be made ({error}): remove {CA_CERT} and {CA_KEY} from the data folder"
    ))
}
