//! Listeners: addresses, certificates, the operator's routes, and a stop that finishes what is under way.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::StatusCode;
use ringpass::config::{Config, Environment, Flags, Http, Mode, Tls, dev};
use ringpass::ops::{self, Readiness};
use ringpass::serve::Listeners;
use ringpass::serve::tls::Certificate;
use ringpass_core::kit::certificate::LocalAuthority;
use ringpass_core::kit::rng::Rng;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::sync::{Notify, oneshot};

/// The settings of `dev` in a folder of their own, every port chosen by the system.
fn settings(name: &str) -> Http {
    let data = folder(name).display().to_string();
    let environment = Environment::of(&[
        ("RINGPASS_DATA", &data),
        ("RINGPASS_HTTP", "127.0.0.1:0"),
        ("RINGPASS_HTTPS", "127.0.0.1:0"),
        ("RINGPASS_OPS", "127.0.0.1:0"),
        ("RINGPASS_PUBLIC_URL", "https://localhost"),
    ]);
    let mut config = Config::read(Mode::Dev, &Flags::default(), &environment).unwrap();
    dev::prepare(&mut config, &Rng::system()).unwrap();
    config.http
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

/// The whole answer to one request.
async fn ask(addr: SocketAddr, path: &'static str) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(request(path).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    asked.await.unwrap()
}

/// The same over TLS, trusting one authority: the protocol that was agreed on and the whole answer.
fn ask_tls(addr: SocketAddr, ca: &Path, protocols: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    ringpass::serve::tls::install_provider();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(addr).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    let agreed = session.alpn_protocol().unwrap_or_default().to_vec();
    let mut answer = Vec::new();
    if agreed == b"http/1.1" {
        let mut stream = rustls::Stream::new(&mut session, &mut socket);
        stream.write_all(request("/").as_bytes()).unwrap();
        stream.read_to_end(&mut answer).unwrap();
    }
    (agreed, answer)
}

#[tokio::test]
async fn both_listeners_serve_every_route_and_tell_who_calls() {
    let http = settings("both");
    let ca = http.tls.as_ref().unwrap().cert.with_file_name(dev::CA_CERT);
    let listeners = Listeners::bind(&http).unwrap();
    let (plain, tls) = (listeners.plain_addr().unwrap(), listeners.tls_addr().unwrap());
    let public =
        Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let stop = async move { drop(stopped.await) };
        listeners.run(public, Router::new(), &Readiness::default(), stop).await
    });

    let answer = ask(plain, "/").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1"), "{answer}");
    let (one, two) = tokio::task::spawn_blocking(move || {
        (ask_tls(tls, &ca, &[b"http/1.1"]), ask_tls(tls, &ca, &[b"h2", b"http/1.1"]))
    })
    .await
    .unwrap();
    assert!(one.1.ends_with(b"127.0.0.1"), "{one:?}");
    assert_eq!(two.0, b"h2");

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_accepts_nothing_more() {
    let listeners = Listeners::bind(&settings("stop")).unwrap();
    let (plain, ops_addr) = (listeners.plain_addr().unwrap(), listeners.ops_addr().unwrap());
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, gate) = (arrived.clone(), go_on.clone());
    let public = Router::new().route(
        "/",
        get(async move || {
            inside.notify_one();
            gate.notified().await;
            "done"
        }),
    );
    let readiness = Readiness::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let ops = ops::health(readiness.clone());
    let serving = tokio::spawn({
        let readiness = readiness.clone();
        async move { listeners.run(public, ops, &readiness, async move { drop(stopped.await) }).await }
    });
    assert!(ask(ops_addr, "/readyz").await.contains(r#"{"status":"unready","reason":"starting"}"#));
    readiness.start();
    assert!(ask(ops_addr, "/readyz").await.contains(r#"{"status":"ready"}"#));
    readiness.database_down("no answer");
    let answer = ask(ops_addr, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""reason":"database: no answer""#), "{answer}");
    readiness.database_up();

    let under_way = tokio::spawn(ask(plain, "/"));
    arrived.notified().await;
    stop.send(()).unwrap();
    // The listener is closed a moment after the stop; the request under way holds the server open meanwhile.
    while TcpStream::connect(plain).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = ask(ops_addr, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("stopping"), "{answer}");
    assert!(ask(ops_addr, "/livez").await.starts_with("HTTP/1.1 200"));
    assert!(!serving.is_finished());
    go_on.notify_one();
    assert!(under_way.await.unwrap().ends_with("done"));
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_told_with_its_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let mut http = settings("taken");
    http.plain = Some(addr);
    assert_eq!(
        Listeners::bind(&http).unwrap_err().to_string(),
        format!("--http (RINGPASS_HTTP): {addr} is in use by another program: stop it or choose another port")
    );
}

#[test]
fn a_changed_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = folder("reload");
    let files = Tls { addr: ([127, 0, 0, 1], 0).into(), cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    let authority = LocalAuthority::generate().unwrap();
    let (cert, key) = authority.issue(&["localhost".to_owned()]).unwrap();
    std::fs::write(&files.cert, &cert).unwrap();
    std::fs::write(&files.key, &key).unwrap();
    let mut certificate = Certificate::read(&files).unwrap();
    let first = certificate.config().get_inner();
    assert!(!certificate.look(), "nothing changed");

    std::fs::write(&files.cert, "half a certif").unwrap();
    assert!(!certificate.look());
    let (cert, key) = authority.issue(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&files.cert, &cert).unwrap();
    assert!(!certificate.look(), "the new certificate with the old key");
    assert!(Arc::ptr_eq(&first, &certificate.config().get_inner()));
    std::fs::write(&files.key, format!("{key}\n")).unwrap();
    assert!(certificate.look());
    assert!(!Arc::ptr_eq(&first, &certificate.config().get_inner()));
}

#[test]
fn certificates_that_cannot_be_used_are_told_at_start() {
    let folder = folder("unusable");
    let files = Tls { addr: ([127, 0, 0, 1], 0).into(), cert: folder.join("none.pem"), key: folder.join("none.pem") };
    let sentence = |files: &Tls| Certificate::read(files).unwrap_err().to_string();
    assert!(sentence(&files).contains("cannot be read"), "{}", sentence(&files));
    let cert = folder.join("empty.pem");
    std::fs::write(&cert, "").unwrap();
    assert!(sentence(&Tls { cert, ..files }).contains("holds no PEM certificate"));
}

#[test]
fn answered_requests_are_counted() {
    let metrics = ops::install_metrics().unwrap();
    ops::observe("auth", "/passwordless/start", StatusCode::OK, Duration::from_millis(3));
    let text = metrics.render();
    let count = r#"http_requests_total{family="auth",route="/passwordless/start",status="200"} 1"#;
    let bucket = r#"http_request_duration_seconds_bucket{family="auth",route="/passwordless/start",le="0.005"} 1"#;
    assert!(text.contains(count) && text.contains(bucket), "{text}");
}
