//! Load against the real binary, and the floor it is compared with. `README.md` says how to run and read it.
//!
//! One process is the crowd of callers and the SMS gateway ([`load`]); the server under test is a child process, so that
//! its CPU time can be read from outside. [`ringpass`] starts the real binary, [`floor`] the least a server could do.

pub mod args;
pub mod floor;
pub mod http;
pub mod load;
pub mod process;
pub mod random;
pub mod report;
pub mod ringpass;
pub mod second_factor;

/// Any failure ends the run, told in one sentence.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
