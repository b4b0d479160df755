//! The outbound client against small raw TCP servers that behave well or badly.
#![expect(clippy::unwrap_used, reason = "helpers of a test binary")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringpass_core::kit::http::{Answer, Failure, Reach, Request};
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::smtp;
use ringpass_core::outbound::{Outbound, Settings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

fn outbound(allow: &[&str]) -> Outbound {
    let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
    let two = Duration::from_secs(2);
    Outbound::new(Settings { allow, connect_timeout: two, connect_timeout_anywhere: Duration::from_millis(300) })
}

fn local() -> Outbound {
    outbound(&["127.0.0.0/8", "::1/128"])
}

fn request(url: &str) -> Request {
    Request {
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        authorization: Some(Secret::new("Bearer abc")),
        body: Secret::new(r#"{"n":1}"#),
        timeout: Duration::from_secs(5),
        reach: Reach::Guarded,
    }
}

/// Listens on loopback and hands every connection, its request already read, to `answer`.
async fn server<F, A>(answer: F) -> u16
where
    F: Fn(TcpStream, String) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_request(&mut stream).await;
            tokio::spawn(answer(stream, head));
        }
    });
    port
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut block = [0; 1024];
    while !seen.ends_with(br#"{"n":1}"#) {
        match stream.read(&mut block).await {
            Ok(read) if read > 0 => seen.extend_from_slice(block.get(..read).unwrap_or_default()),
            _ => break,
        }
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A server that answers every connection with the same bytes and then hangs up.
async fn saying(answer: &'static str) -> u16 {
    server(move |mut stream, _| async move {
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await
}

async fn status(port: u16) -> Result<u16, Failure> {
    local().send(request(&format!("http://127.0.0.1:{port}/sms"))).await.map(|answer| answer.status)
}

#[tokio::test]
async fn a_request_is_one_post_with_what_the_provider_described() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let port = server(move |mut stream, head| {
        tell.send(head).unwrap();
        async move { stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap() }
    })
    .await;
    let answer = local().send(request(&format!("http://127.0.0.1:{port}/sms?a=b#part"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"ok".as_slice()));
    let expected = format!(
        "POST /sms?a=b HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer abc\r\nhost: 127.0.0.1:{port}\r\ncontent-length: 7\r\n\r\n{{\"n\":1}}"
    );
    let mut seen: Vec<String> = told.recv().await.unwrap().split("\r\n").map(str::to_owned).collect();
    let mut wanted: Vec<String> = expected.split("\r\n").map(str::to_owned).collect();
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn every_status_is_reported_and_no_redirect_followed() {
    assert_eq!(status(saying("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await).await, Ok(401));
    assert_eq!(status(saying("HTTP/1.0 503 Busy\r\n\r\nlater").await).await, Ok(503));
    assert_eq!(status(saying("HTTP/1.1 204 Fine\r\n\r\n").await).await, Ok(204));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let target = server(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let port = server(move |mut stream, _| async move {
        let answer =
            format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    assert_eq!(status(port).await, Ok(307));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connections_are_kept_and_reused() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let port = server(move |mut stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            loop {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                if read_request(&mut stream).await.is_empty() {
                    break;
                }
            }
        }
    })
    .await;
    let client = local();
    for _ in 0..5 {
        assert_eq!(client.send(request(&format!("http://127.0.0.1:{port}/"))).await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_hanging_server_costs_the_timeout_and_no_more() {
    let port = server(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    let started = Instant::now();
    let hang = Request { timeout: Duration::from_millis(200), ..request(&format!("http://127.0.0.1:{port}/")) };
    assert_eq!(local().send(hang).await.unwrap_err(), Failure::ReadTimeout);
    assert!((200..1_000).contains(&started.elapsed().as_millis()));
}

#[tokio::test]
async fn a_broken_connection_is_reported_once_and_not_retried() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let port = server(move |stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { stream.set_zero_linger().unwrap() }
    })
    .await;
    assert_eq!(status(port).await, Err(Failure::Reset));
    assert_eq!(status(saying("").await).await, Err(Failure::Reset));
    assert_eq!(status(saying("I am no HTTP server\r\n\r\n").await).await, Err(Failure::Reset));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_port_and_an_unknown_name_have_their_own_reasons() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_eq!(status(free).await, Err(Failure::Refused));
    let unknown = local().send(request("http://gateway.invalid/sms")).await;
    assert_eq!(unknown.unwrap_err(), Failure::NotFound);
}

#[tokio::test]
async fn a_body_is_cut_off_and_never_waited_for() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n";
    let endless = server(|mut stream, _| async move {
        stream.write_all(HEAD).await.unwrap();
        while stream.write_all(&vec![b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    let stuck = server(|mut stream, _| async move {
        stream.write_all(HEAD).await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    let started = Instant::now();
    let Answer { status, body, .. } = local().send(request(&format!("http://127.0.0.1:{endless}/"))).await.unwrap();
    assert_eq!((status, body.len()), (200, 8_192));
    assert!(started.elapsed() < Duration::from_millis(400));
    let Answer { status, body, .. } = local().send(request(&format!("http://127.0.0.1:{stuck}/"))).await.unwrap();
    assert_eq!((status, body.len()), (200, 0));
    assert!(started.elapsed() < Duration::from_millis(1_500));
}

#[tokio::test]
async fn endless_headers_are_cut_off() {
    let port = server(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream
            .write_all(b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    let started = Instant::now();
    assert_eq!(status(port).await, Err(Failure::Reset));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling_and_reached_from_the_list() {
    let port = saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "localhost",
        "LOCALHOST",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
    ];
    for host in hosts {
        let url = format!("http://{host}:{port}/");
        assert_eq!(outbound(&[]).send(request(&url)).await.unwrap_err(), Failure::Forbidden, "{host}");
        assert_eq!(outbound(&["10.0.0.0/8"]).send(request(&url)).await.unwrap_err(), Failure::Forbidden, "{host}");
        assert_eq!(local().send(request(&url)).await.unwrap().status, 200, "{host}");
    }
    for host in
        ["10.0.0.1", "169.254.169.254", "[::1]", "[::]", "0", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00::1]"]
    {
        let url = format!("http://{host}:{port}/");
        assert_eq!(outbound(&[]).send(request(&url)).await.unwrap_err(), Failure::Forbidden, "{host}");
    }
}

/// The same request to a host that the operator's own settings name.
fn trusted(url: &str) -> Request {
    Request { reach: Reach::Anywhere, ..request(url) }
}

#[tokio::test]
async fn the_operators_own_address_is_reached_and_lends_its_connection_to_nobody() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let port = server(move |mut stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            loop {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                if read_request(&mut stream).await.is_empty() {
                    break;
                }
            }
        }
    })
    .await;
    let (client, url) = (outbound(&[]), format!("http://127.0.0.1:{port}/"));
    for _ in 0..3 {
        assert_eq!(client.send(trusted(&url)).await.unwrap().status, 200);
        assert_eq!(client.send(request(&url)).await.unwrap_err(), Failure::Forbidden);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_is_made_has_sent_nothing() {
    let port = server(|stream, _| async move { stream.set_zero_linger().unwrap() }).await;
    let plain = outbound(&[]).send(trusted(&format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(plain == Failure::Reset && !plain.is_before_sending());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let client = outbound(&[]);
    let (answer, ()) = tokio::join!(client.send(trusted(&url)), async {
        listener.accept().await.unwrap().0.set_zero_linger().unwrap();
    });
    assert_eq!(answer.unwrap_err(), Failure::Dropped);
    // A handshake that never ends costs the time for connecting, not the time for the answer.
    let (answer, _held) = tokio::join!(client.send(trusted(&url)), listener.accept());
    assert_eq!(answer.unwrap_err(), Failure::ConnectTimeout);
}

#[tokio::test]
async fn retry_after_is_told_in_seconds_only() {
    for (header, seconds) in [
        ("retry-after: 2\r\n", Some(2)),
        ("Retry-After:  0 \r\n", Some(0)),
        ("", None),
        ("retry-after: -1\r\n", None),
        ("retry-after: 1.5\r\n", None),
        ("retry-after: Fri, 02 Jan 2026 03:04:06 GMT\r\n", None),
        ("retry-after: 99999999999999999999\r\n", None),
    ] {
        let port = server(move |mut stream, _| async move {
            let answer = format!("HTTP/1.1 429 Busy\r\n{header}content-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let answer = local().send(request(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(answer.retry_after, seconds.map(Duration::from_secs), "{header}");
    }
}

#[tokio::test]
async fn only_plain_http_and_https_addresses_are_called() {
    for url in [
        "",
        "/sms",
        "gateway",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
        "http://user@127.0.0.1/",
        "http://user:pw@127.0.0.1/",
        "http://example.org@127.0.0.1/",
        "javascript:1",
        "http://127.0.0.1:99999/",
    ] {
        assert_eq!(local().send(request(url)).await.unwrap_err(), Failure::BadUrl, "{url}");
    }
    let split = Request { authorization: Some(Secret::new("a\r\nb: c")), ..request("http://127.0.0.1/") };
    assert_eq!(local().send(split).await.unwrap_err(), Failure::BadUrl);
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let authority = ringpass_core::kit::certificate::LocalAuthority::generate().unwrap();
    let config = tls(&authority, "localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || shake_hands(&listener.into_std().unwrap(), config));
    let answer = local().send(request(&format!("https://localhost:{port}/"))).await;
    assert_eq!(answer.unwrap_err(), Failure::Tls);
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n").await.unwrap();
        read_request(&mut stream).await;
    });
    assert_eq!(local().send(request(&format!("https://127.0.0.1:{port}/"))).await.unwrap_err(), Failure::Tls);
}

fn shake_hands(listener: &std::net::TcpListener, config: Arc<rustls::ServerConfig>) {
    listener.set_nonblocking(false).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut session = rustls::ServerConnection::new(config).unwrap();
    while session.is_handshaking() && session.complete_io(&mut stream).is_ok() {}
}

/// Runs the test below in a process of its own, whose only authority is the one that the test makes up.
#[test]
fn a_mail_is_encrypted_before_anything_is_told() {
    let authority = std::env::temp_dir().join(format!("ringpass-authority-{}.pem", std::process::id()));
    let test = ["--exact", "--ignored", "a_mail_is_encrypted_where_the_server_offers_it"];
    let program = std::env::current_exe().unwrap();
    let run = std::process::Command::new(program).args(test).env("SSL_CERT_FILE", &authority).output().unwrap();
    let _ = std::fs::remove_file(authority);
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn a_mail_is_encrypted_where_the_server_offers_it() {
    let authority = ringpass_core::kit::certificate::LocalAuthority::generate().unwrap();
    let file = format!("ringpass-authority-{}.pem", std::os::unix::process::parent_id());
    std::fs::write(std::env::temp_dir().join(file), &authority.certificate_pem).unwrap();
    for (name, expected) in [("localhost", Ok(())), ("other.example", Err(smtp::Failure::Network(Failure::Tls)))] {
        let acceptor = TlsAcceptor::from(tls(&authority, name));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut clear = BufReader::new(&mut stream);
            let mut seen = String::new();
            for answer in ["220 hi", "250 STARTTLS", "220 go"] {
                clear.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                if answer != "220 go" {
                    clear.read_line(&mut seen).await.unwrap();
                }
            }
            let Ok(stream) = acceptor.accept(stream).await else { return (seen, String::new()) };
            let (mut hidden, mut told) = (BufReader::new(stream), String::new());
            for answer in ["250 AUTH PLAIN", "235 in", "250 ok", "250 ok", "354 go"] {
                hidden.read_line(&mut told).await.unwrap();
                hidden.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
            while !told.ends_with("\r\n.\r\n") {
                hidden.read_line(&mut told).await.unwrap();
            }
            hidden.get_mut().write_all(b"250 taken\r\n").await.unwrap();
            (seen, told)
        });
        let mail = smtp::Delivery {
            host: "localhost".to_owned(),
            port,
            login: Some(smtp::Login { user: Secret::new("u"), password: Secret::new("p") }),
            hello: "tenant.example".to_owned(),
            from: Secret::new("a@b.example"),
            to: Secret::new("c@d.example"),
            message: Secret::new("Subject: x\r\n\r\nhi\r\n"),
            timeout: Duration::from_secs(5),
        };
        assert_eq!(local().mail(&mail).await, expected, "{name}");
        let (seen, told) = server.await.unwrap();
        assert_eq!(seen, "EHLO tenant.example\r\nSTARTTLS\r\n");
        let all = "EHLO tenant.example\r\nAUTH PLAIN AHUAcA==\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\
            Subject: x\r\n\r\nhi\r\n.\r\n";
        assert_eq!(told, if expected.is_ok() { all } else { "" });
    }
}

/// A server's side of TLS, with a certificate for `name`.
fn tls(authority: &ringpass_core::kit::certificate::LocalAuthority, name: &str) -> Arc<rustls::ServerConfig> {
    let (certificate, key) = authority.issue(&[name.to_owned()]).unwrap();
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}
