//! The only SMTP client (RFC 5321): one mail over one connection to an address that passed the guard, within a time.
//!
//! What is read is bounded, whatever the server sends. Passwords travel encrypted or not at all, except to this machine
//! itself; and a server in a public network must encrypt, so that nobody on the way reads a code. A mail is never sent
//! twice.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::{Outbound, address, connect};
use crate::kit::hash;
use crate::kit::http::Failure as Network;
use crate::kit::secret::Secret;
use crate::kit::smtp::{Delivery, Failure, Login, Step};

impl Outbound {
    /// Hands `mail` to its server. `Err` says why the server did not take it.
    pub async fn mail(&self, mail: &Delivery) -> Result<(), Failure> {
        let deadline = Instant::now() + mail.timeout;
        let connector = &self.0.guarded.connector;
        let stream = timeout_at(deadline, connector.open(&mail.host, mail.port)).await;
        let stream = stream.map_err(|_| Network::ConnectTimeout)??;
        timeout_at(deadline, self.deliver(stream, mail)).await.map_err(|_| Network::ReadTimeout)?
    }

    async fn deliver(&self, stream: TcpStream, mail: &Delivery) -> Result<(), Failure> {
        let peer = stream.peer_addr().map_err(|_| Network::Reset)?.ip();
        if mail.port == IMPLICIT_TLS {
            let mut line = Line::new(self.encrypt(stream, mail).await?);
            line.greeted().await?;
            let offers = line.hello(&mail.hello).await?;
            return line.hand_over(mail, &offers, true).await;
        }
        let mut line = Line::new(stream);
        line.greeted().await?;
        let offers = line.hello(&mail.hello).await?;
        if !offers.has("STARTTLS") {
            if address::public(peer) {
                return Err(Failure::NoEncryption);
            }
            return line.hand_over(mail, &offers, is_this_machine(peer)).await;
        }
        line.say("STARTTLS", Step::Hello, 220).await?;
        let mut line = Line::new(self.encrypt(line.into_stream()?, mail).await?);
        let offers = line.hello(&mail.hello).await?;
        line.hand_over(mail, &offers, true).await
    }

    async fn encrypt(
        &self,
        stream: TcpStream,
        mail: &Delivery,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(mail.host.clone()).map_err(|_| Network::Tls)?;
        let config: ClientConfig = self.tls().await?.clone();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        Ok(connected.map_err(|error| connect::broken(&error))?)
    }
}

fn is_this_machine(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// A connection on which commands and replies take turns.
struct Line<S> {
    stream: S,
    /// What was read and not looked at yet.
    unread: Vec<u8>,
}

/// What a server says it can do.
struct Offers(Vec<String>);

impl Offers {
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|line| line.split_ascii_whitespace().next() == Some(word))
    }

    /// Whether AUTH has this mechanism; some old servers write `AUTH=`.
    fn logs_in_by(&self, mechanism: &str) -> bool {
        let lists = self.0.iter().filter_map(|line| line.strip_prefix("AUTH"));
        lists.flat_map(|list| list.split([' ', '='])).any(|word| word == mechanism)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// The stream, to be encrypted. Whatever the server has sent ahead was not protected and must not be taken for
    /// something that is.
    fn into_stream(self) -> Result<S, Failure> {
        if self.unread.is_empty() { Ok(self.stream) } else { Err(Failure::Garbled) }
    }

    async fn greeted(&mut self) -> Result<(), Failure> {
        self.expect(Step::Hello, 220).await.map(drop)
    }

    async fn hello(&mut self, name: &str) -> Result<Offers, Failure> {
        let lines = self.say(&format!("EHLO {name}"), Step::Hello, 250).await?;
        Ok(Offers(lines.iter().map(|line| line.to_ascii_uppercase()).collect()))
    }

    /// Logs in, if there are credentials and they may be shown, and hands the mail over.
    async fn hand_over(&mut self, mail: &Delivery, offers: &Offers, may_log_in: bool) -> Result<(), Failure> {
        if let Some(login) = &mail.login {
            if !may_log_in {
                return Err(Failure::NoLogin);
            }
            self.log_in(login, offers).await?;
        }
        self.say(&format!("MAIL FROM:<{}>", mail.from.expose()), Step::Envelope, 250).await?;
        self.say(&format!("RCPT TO:<{}>", mail.to.expose()), Step::Envelope, 250).await?;
        self.say("DATA", Step::Envelope, 354).await?;
        self.write(Secret::new(stuffed(mail.message.expose())).expose()).await?;
        self.expect(Step::Message, 250).await?;
        // The mail is taken, whatever becomes of the farewell.
        let _ = timeout(FAREWELL, self.write("QUIT\r\n")).await;
        Ok(())
    }

    /// AUTH PLAIN (RFC 4616), or the older LOGIN where that is all there is.
    async fn log_in(&mut self, login: &Login, offers: &Offers) -> Result<(), Failure> {
        let (user, password) = (login.user.expose(), login.password.expose());
        if offers.logs_in_by("PLAIN") {
            let response = Secret::new(hash::base64(format!("\0{user}\0{password}").as_bytes()));
            return self.say(&format!("AUTH PLAIN {}", response.expose()), Step::Login, 235).await.map(drop);
        }
        if !offers.logs_in_by("LOGIN") {
            return Err(Failure::NoLogin);
        }
        self.say("AUTH LOGIN", Step::Login, 334).await?;
        self.say(&hash::base64(user.as_bytes()), Step::Login, 334).await?;
        self.say(&hash::base64(password.as_bytes()), Step::Login, 235).await.map(drop)
    }

    /// Sends a command and reads the reply. A command is one line, whatever went into it.
    async fn say(&mut self, command: &str, step: Step, wanted: u16) -> Result<Vec<String>, Failure> {
        if command.contains(['\r', '\n', '\0']) {
            return Err(Failure::Network(Network::BadUrl));
        }
        self.write(&format!("{command}\r\n")).await?;
        self.expect(step, wanted).await
    }

    async fn write(&mut self, text: &str) -> Result<(), Failure> {
        let written = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| Failure::Network(connect::broken(&error)))
    }

    /// The texts of the next reply, if it has the code that is wanted. 251 (RCPT) says the same as 250.
    async fn expect(&mut self, step: Step, wanted: u16) -> Result<Vec<String>, Failure> {
        let mut texts = Vec::new();
        let mut left = REPLY_LIMIT;
        loop {
            let line = self.next_line(&mut left).await?;
            let (code, rest) = line.split_at_checked(3).ok_or(Failure::Garbled)?;
            let code: u16 = code.parse().ok().filter(|code| (200..600).contains(code)).ok_or(Failure::Garbled)?;
            let text = rest.get(1..).unwrap_or_default();
            texts.push(text.to_owned());
            match rest.bytes().next() {
                Some(b'-') => {}
                None | Some(b' ') if code == wanted || (code, wanted) == (251, 250) => return Ok(texts),
                None | Some(b' ') => return Err(Failure::Replied(step, code)),
                Some(_) => return Err(Failure::Garbled),
            }
        }
    }

    async fn next_line(&mut self, left: &mut usize) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            let mut chunk = [0_u8; 512];
            let read = self.stream.read(&mut chunk).await;
            let read = read.map_err(|error| Failure::Network(connect::broken(&error)))?;
            if read == 0 {
                return Err(Failure::Network(Network::Reset));
            }
            *left = left.checked_sub(read).ok_or(Failure::Garbled)?;
            self.unread.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }
}

/// The message as DATA wants it: a dot before every line that begins with one, and a lone dot at the end (RFC 5321,
/// section 4.5.2).
fn stuffed(message: &str) -> String {
    let mut out = String::with_capacity(message.len() + 64);
    for line in message.split_inclusive('\n') {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out.push_str(".\r\n");
    out
}

/// The port on which TLS begins at once (RFC 8314).
const IMPLICIT_TLS: u16 = 465;
/// Bytes of one reply, all its lines together.
const REPLY_LIMIT: usize = 16 * 1024;
/// How long the farewell may take to be written.
const FAREWELL: std::time::Duration = std::time::Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_end_itself() {
        assert_eq!(stuffed("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(".a"), "..a\r\n.\r\n");
    }

    #[test]
    fn offers_are_read_word_by_word() {
        let offers = Offers(["SIZE 100", "STARTTLS", "AUTH LOGIN PLAIN"].map(str::to_owned).into());
        assert!(offers.has("STARTTLS") && offers.has("AUTH") && !offers.has("PLAIN") && !offers.has("START"));
        assert!(offers.logs_in_by("PLAIN") && offers.logs_in_by("LOGIN") && !offers.logs_in_by("CRAM-MD5"));
        assert!(Offers(vec!["AUTH=PLAIN".to_owned()]).logs_in_by("PLAIN"));
    }
}
