//! A certificate that is renewed under a running server: new connections get it, old ones go on, half of one changes
//! nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringpass_core::kit::certificate::LocalAuthority;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Server, World, free_port};

/// A connection that stays open between requests.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    fn open(port: u16, ca: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut connection = Self(StreamOwned::new(session, TcpStream::connect(("127.0.0.1", port)).unwrap()));
        connection.ask();
        connection
    }

    /// Asks for the keys, and reads the answer to its end.
    fn ask(&mut self) {
        self.0.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&answer).to_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                assert!(head.starts_with("http/1.1 200"), "{head}");
                let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
                if body.len() >= length.parse::<usize>().unwrap() {
                    return;
                }
            }
            let read = self.0.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection ended in the middle of an answer: {text}");
            answer.extend_from_slice(&buffer[..read]);
        }
    }

    /// The server's certificate.
    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

/// Writes a file as a careful program does: beside it, then over it.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

async fn until(server: &Server, what: &str, times: usize) {
    let began = Instant::now();
    while server.written().matches(what).count() < times {
        assert!(began.elapsed() < Duration::from_secs(15), "no `{what}` in {}", server.written());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_used_at_once_and_half_of_one_is_not() {
    let world = World::empty("tls").await;
    let (cert, key) = (world.folder.join("tls-cert.pem"), world.folder.join("tls-key.pem"));
    let authority = LocalAuthority::generate().unwrap();
    let ca = authority.certificate_pem.clone();
    let issue = || authority.issue(&["localhost".to_owned()]).unwrap();
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    let (first, second) = (issue(), issue());
    fs::write(&cert, &first.0).unwrap();
    fs::write(&key, &first.1).unwrap();
    ringpass::serve::tls::install_provider();
    let port = free_port();
    let server = world
        .serve(&[
            ("RINGPASS_HTTPS", &format!("127.0.0.1:{port}")),
            ("RINGPASS_TLS_CERT", &cert.display().to_string()),
            ("RINGPASS_TLS_KEY", &key.display().to_string()),
        ])
        .await;
    let mut old = Connection::open(port, &ca);
    assert_eq!(old.certificate(), der(&first.0));

    // The certificate without its key, then a part of it: the pair in use stays.
    let kept = "the old one stays in use";
    replace(&cert, &second.0);
    until(&server, kept, 1).await;
    assert_eq!(Connection::open(port, &ca).certificate(), der(&first.0));
    fs::write(&cert, &second.0[..second.0.len() / 2]).unwrap();
    until(&server, kept, 2).await;
    assert_eq!(Connection::open(port, &ca).certificate(), der(&first.0));

    replace(&cert, &second.0);
    replace(&key, &second.1);
    until(&server, "the new certificate is in use", 1).await;
    assert_eq!(Connection::open(port, &ca).certificate(), der(&second.0));
    // Who is connected already goes on as before.
    old.ask();
    assert_eq!(old.certificate(), der(&first.0));
}
