//! The flags that both programs share.

use std::path::PathBuf;

use crate::Result;

/// What the command line asked for.
#[derive(Debug, Clone)]
pub struct Args {
    /// Measured logins in each round (`--logins`, default 4,000).
    pub logins: u32,
    /// Callers at the same time, each with one kept connection (`--callers`, default 8).
    pub callers: u32,
    /// Rounds (`--rounds`, default 3 with the floor beside, else 1).
    pub rounds: u32,
    /// Whether to run the floor in turns with the server (`--with-floor`).
    pub with_floor: bool,
    /// The server binary (`--binary`, default `ringpass` beside this program).
    pub binary: PathBuf,
    /// Where the data folders are made (`--folder`, default beside this program). It must be on a real disk: syncing a
    /// file in memory costs nothing.
    pub folder: PathBuf,
}

impl Args {
    /// Reads flags; an unknown one is an error that lists the known ones.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let beside = std::env::current_exe()?;
        let beside = beside.parent().ok_or("this program stands in no folder")?;
        let mut args = Self {
            logins: 4_000,
            callers: 8,
            rounds: 0,
            with_floor: false,
            binary: beside.join("ringpass"),
            folder: beside.to_owned(),
        };
        while let Some(flag) = words.next() {
            if flag == "--with-floor" {
                args.with_floor = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{flag} is unknown or lacks its value; {USAGE}"))?;
            match flag.as_str() {
                "--logins" => args.logins = value.parse()?,
                "--callers" => args.callers = value.parse()?,
                "--rounds" => args.rounds = value.parse()?,
                "--binary" => args.binary = value.into(),
                "--folder" => args.folder = value.into(),
                _ => return Err(format!("{flag} is unknown; {USAGE}").into()),
            }
        }
        if args.rounds == 0 {
            args.rounds = if args.with_floor { 3 } else { 1 };
        }
        args.logins = args.logins.max(1);
        args.callers = args.callers.max(1);
        Ok(args)
    }
}

const USAGE: &str = "the flags are --logins N --callers N --rounds N --with-floor --binary PATH --folder DIR";
