//! A mail server on loopback that plays one role after the other and remembers what it was handed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// What one connection meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes everything, and any login.
    Accept,
    /// Answers this command (`EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, or `.` for the message) with this line.
    Refuse(&'static str, &'static str),
    /// Never answers this command; an empty one stands for the greeting.
    Hang(&'static str),
    /// Greets as another kind of server would.
    Garbage,
    /// Greets with a line that does not end.
    Endless,
    /// Says goodbye to this command by closing the connection.
    Close(&'static str),
    /// Offers encryption, and sends an answer of its own along with the invitation.
    Injection,
}

/// A mail as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body, their lines ended by a newline.
    pub data: String,
    /// User name and password, joined by a colon, of whoever logged in.
    pub login: Option<String>,
}

impl Letter {
    /// A header's value, its lines joined; `None` when it is absent.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\n\n")?;
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        unfolded.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    /// The text without marks.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// The text as HTML.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    /// The one-time code: the first run of 4 to 10 digits in the text.
    pub fn code(&self) -> Option<String> {
        let text = self.text();
        let mut runs = text.split(|c: char| !c.is_ascii_digit());
        runs.find(|run| (4..=10).contains(&run.len())).map(str::to_owned)
    }

    /// A part by its type, its quoted-printable form undone.
    fn part(&self, kind: &str) -> String {
        let part = self.data.split("\n--").find(|part| part.contains(&format!("Content-Type: {kind}")));
        let body = part.and_then(|part| part.split_once("\n\n")).map(|(_, body)| body).unwrap_or_default();
        let bytes = body.replace("=\n", "");
        let (mut out, mut rest) = (Vec::new(), bytes.as_str());
        while let Some((before, after)) = rest.split_once('=') {
            out.extend_from_slice(before.as_bytes());
            match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) => out.push(byte),
                None => out.push(b'='),
            }
            rest = after.get(2..).unwrap_or_default();
        }
        out.extend_from_slice(rest.as_bytes());
        String::from_utf8_lossy(&out).trim_end().to_owned()
    }
}

/// The server. It ends with its last handle.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Role>>,
    letters: Mutex<VecDeque<Letter>>,
    connections: Mutex<usize>,
    arrived: Notify,
}

impl MailServer {
    /// Listens on a free port of loopback.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, state) = (listener.local_addr()?, Arc::<State>::default());
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *lock(&shared.connections) += 1;
                let role = lock(&shared.script).pop_front().unwrap_or(Role::Accept);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { play(stream, role, &shared).await });
            }
        });
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the next connection meets; those that follow the script's end are accepted.
    pub fn script(&self, role: Role) {
        lock(&self.state.script).push_back(role);
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        *lock(&self.state.connections)
    }

    /// All letters nobody has looked at.
    pub fn take(&self) -> Vec<Letter> {
        lock(&self.state.letters).drain(..).collect()
    }

    /// The next letter, waited for up to ten seconds.
    pub async fn next(&self) -> Option<Letter> {
        let wait = async {
            loop {
                let arrived = self.state.arrived.notified();
                let found = lock(&self.state.letters).pop_front();
                if let Some(letter) = found {
                    return letter;
                }
                arrived.await;
            }
        };
        timeout(Duration::from_secs(10), wait).await.ok()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection to its end.
async fn play(stream: TcpStream, role: Role, state: &State) -> Option<()> {
    let mut stream = BufReader::new(stream);
    match role {
        Role::Hang("") => std::future::pending().await,
        Role::Close("") => return None,
        Role::Garbage => return say(&mut stream, "HTTP/1.1 400 Bad Request\r\n").await,
        Role::Endless => loop {
            say(&mut stream, "220-mail ").await?;
        },
        _ => say(&mut stream, "220 mail.example ESMTP\r\n").await?,
    }
    let mut letter = Letter::default();
    loop {
        let line = read(&mut stream).await?;
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match role {
            Role::Refuse(at, reply) if at == verb => say(&mut stream, &format!("{reply}\r\n")).await?,
            Role::Hang(at) if at == verb => std::future::pending().await,
            Role::Close(at) if at == verb => return None,
            Role::Injection if verb == "EHLO" => say(&mut stream, "250-mail.example\r\n250 STARTTLS\r\n").await?,
            Role::Injection if verb == "STARTTLS" => say(&mut stream, "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n").await?,
            _ if verb == "DATA" => {
                say(&mut stream, "354 go on\r\n").await?;
                letter.data = data(&mut stream).await?;
                match role {
                    Role::Refuse(".", reply) => say(&mut stream, &format!("{reply}\r\n")).await?,
                    Role::Hang(".") => std::future::pending().await,
                    Role::Close(".") => return None,
                    _ => {
                        lock(&state.letters).push_back(std::mem::take(&mut letter));
                        state.arrived.notify_waiters();
                        say(&mut stream, "250 taken\r\n").await?;
                    }
                }
            }
            _ => answer(&mut stream, &verb, &line, &mut letter).await?,
        }
    }
}

/// What a friendly server says.
async fn answer(stream: &mut BufReader<TcpStream>, verb: &str, line: &str, letter: &mut Letter) -> Option<()> {
    let path =
        |line: &str| line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned());
    match verb {
        "EHLO" => say(stream, "250-mail.example\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN\r\n").await,
        "AUTH" => {
            let response = line.rsplit_once(' ')?.1;
            let decoded = STANDARD.decode(response).ok()?;
            letter.login = Some(String::from_utf8(decoded).ok()?.trim_start_matches('\0').replace('\0', ":"));
            say(stream, "235 welcome\r\n").await
        }
        "MAIL" => {
            letter.from = path(line)?;
            say(stream, "250 fine\r\n").await
        }
        "RCPT" => {
            letter.to.push(path(line)?);
            say(stream, "250 fine\r\n").await
        }
        "QUIT" => {
            say(stream, "221 bye\r\n").await?;
            None
        }
        _ => say(stream, "500 what?\r\n").await,
    }
}

/// A message up to its lone dot, the dots before it undone.
async fn data(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut out = String::new();
    loop {
        let line = read(stream).await?;
        if line == "." {
            return Some(out);
        }
        out.push_str(line.strip_prefix('.').unwrap_or(&line));
        out.push('\n');
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(text.as_bytes()).await.ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
