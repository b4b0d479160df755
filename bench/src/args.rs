//! The flags that the programs share.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::Result;

/// Where things are: the server, and a disk for its data.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The server binary; default `ringpass` beside this program
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Where data folders are made, on a real disk (syncing a file in memory costs nothing); default beside this program
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// An empty PostgreSQL database for the server instead of SQLite
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// A command in front of the server, such as `valgrind --tool=callgrind`
    #[arg(long, value_name = "COMMAND", default_value = "")]
    pub under: String,
}

impl Place {
    /// The server binary; an error that says how to build it when it is not there.
    pub fn binary(&self) -> Result<PathBuf> {
        let binary = self.binary.clone().map_or_else(|| beside("ringpass"), Ok)?;
        if binary.is_file() {
            return Ok(binary);
        }
        let build = "build it with cargo build --release --workspace --bins";
        Err(format!("{} does not exist; {build}", binary.display()).into())
    }

    /// The folder in which data folders are made.
    pub fn parent(&self) -> Result<PathBuf> {
        self.folder.clone().map_or_else(|| beside("."), Ok)
    }

    /// A folder of this run alone. It goes when the work went well, and stays with its logs when it did not.
    pub fn work<F: AsyncFnOnce(&Path) -> Result<()>>(&self, work: F) -> Result<()> {
        let folder = self.parent()?.join(format!("bench-data-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        // One thread for callers and gateway leaves the other cores to the server.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match runtime.block_on(work(&folder)) {
            Ok(()) => Ok(fs::remove_dir_all(&folder)?),
            Err(error) => Err(format!("{error} (the logs are in {})", folder.display()).into()),
        }
    }
}

fn beside(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().ok_or("this program stands in no folder")?.join(name))
}
