//! The certificate of the TLS listener: read at start, read again when its files change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::ServeError;
use crate::config::Tls;

/// A certificate in use and the files it came from.
#[derive(Debug)]
pub struct Certificate {
    files: Tls,
    config: RustlsConfig,
    read_at: Stamp,
}

impl Certificate {
    /// Reads chain and key and checks that they belong together.
    pub fn read(files: &Tls) -> Result<Self, ServeError> {
        let read_at = Stamp::of(files);
        let config = RustlsConfig::from_config(Arc::new(load(files)?));
        Ok(Self { files: files.clone(), config, read_at })
    }

    /// What a listener hands out; follows later changes.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Looks at the files every few seconds, for ever.
    pub async fn follow(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(same) => self = same,
                Err(error) => return tracing::error!(%error, "the certificate is no longer followed"),
            }
        }
    }

    /// Reads the files again if they changed; a pair that does not work leaves the old one in use. Tells whether another
    /// certificate is in use now.
    pub fn look(&mut self) -> bool {
        let now = Stamp::of(&self.files);
        if now == self.read_at {
            return false;
        }
        self.read_at = now;
        match load(&self.files) {
            Ok(config) => {
                self.config.reload_from_config(Arc::new(config));
                tracing::info!(file = %self.files.cert.display(), "the new certificate is in use");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the changed certificate does not work: the old one stays in use");
                false
            }
        }
    }
}

/// Makes AWS-LC the process's cryptography for TLS. Further calls change nothing.
pub fn install_provider() {
    // The error only says that a provider is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn load(files: &Tls) -> Result<ServerConfig, ServeError> {
    install_provider();
    let text = read(&files.cert, "--tls-cert (RINGPASS_TLS_CERT)")?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if chain.is_empty() {
        let cert = files.cert.display();
        return Err(ServeError::new(format!("{cert} holds no PEM certificate: check --tls-cert (RINGPASS_TLS_CERT)")));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key, "--tls-key (RINGPASS_TLS_KEY)")?).map_err(|_| {
        let key = files.key.display();
        ServeError::new(format!("{key} holds no PEM private key: check --tls-key (RINGPASS_TLS_KEY)"))
    })?;
    let refused = |error: rustls::Error| {
        let (cert, key) = (files.cert.display(), files.key.display());
        ServeError::new(format!("certificate {cert} and key {key} do not work together ({error}): give a pair"))
    };
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(refused)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Sealed tickets resume a session without a full handshake and without memory on the server.
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(refused)?;
    Ok(config)
}

fn read(path: &Path, flag: &str) -> Result<Vec<u8>, ServeError> {
    fs::read(path)
        .map_err(|error| ServeError::new(format!("{} cannot be read ({error}): check {flag}", path.display())))
}

/// What changes when a file is written, renamed over, or its link is turned: inode, size and time of change of both files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([Option<(u64, u64, i64, i64)>; 2]);

impl Stamp {
    fn of(files: &Tls) -> Self {
        Self([&files.cert, &files.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
        }))
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(2);
