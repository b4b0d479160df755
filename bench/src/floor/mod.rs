//! The least that any server must do for the same sign-in: parse, one durable write, one message sent; one durable
//! conditional write, two RS256 signatures. No configuration, limits, logs, users, sessions, templates or checks.
//!
//! It runs as a child process: the same program started again with [`SERVE`] as its first argument.

mod server;
mod store;
mod tokens;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::load::{Login, Target};
use crate::process::{Process, free_addresses};

/// The first argument that makes either program the floor's server: `serve-floor ADDR DATABASE GATEWAY_URL`.
pub const SERVE: &str = "serve-floor";

/// Starts the floor in a child process with a database inside `folder`.
pub async fn start(folder: &Path, gateway_url: &str) -> Result<Target> {
    let folder = folder.join("floor");
    fs::create_dir_all(&folder)?;
    let (addr, _) = free_addresses()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env_clear().args([SERVE, &addr.to_string()]).arg(folder.join("floor.db")).arg(gateway_url);
    let mut process = Process::spawn(&mut command, &folder.join("server.log"))?;
    process.answers(addr, "/readyz").await?;
    let (client_id, client_secret) = ("bench".to_owned(), "not-checked-by-the-floor".to_owned());
    let caller = Login { addr, client_id, client_secret, connection: "sms" };
    Ok(Target { name: "floor", process, caller, used: 0 })
}

/// Serves in this process until it is killed, when the program's arguments say so. Returns `false` at once when they do
/// not.
pub fn serve_if_asked() -> Result<bool> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [first, addr, database, gateway_url] = words.as_slice() else { return Ok(false) };
    if first != SERVE {
        return Ok(false);
    }
    server::serve(addr.parse()?, Path::new(database), gateway_url)?;
    Ok(true)
}
