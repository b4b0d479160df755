//! What the program says to whoever runs it: results on standard output, complaints on standard error.

use std::io::{Write as _, stderr, stdout};

/// A line (or several) on standard output. A closed pipe is no error.
pub fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A sentence on standard error.
pub fn complain(text: &str) {
    let _ = writeln!(stderr().lock(), "ringpass: {text}");
}
