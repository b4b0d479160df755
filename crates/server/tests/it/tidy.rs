//! The house rules that no compiler checks, read off the sources: who may import whom, how long a file may be, what may
//! stand only in one place. Each failure is a sentence.

use std::fs;
use std::path::{Path, PathBuf};

struct Source {
    /// Path from the root of the repository, with forward slashes.
    path: String,
    text: String,
    /// The text before the unit tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    for member in ["crates/core/src", "crates/server/src", "crates/simulator/src", "bench/src", "crates/server/tests"] {
        walk(&root.join(member), &mut files);
    }
    let mut sources: Vec<Source> = files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            let path = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            Source { path, text, code }
        })
        .collect();
    sources.sort_by(|one, two| one.path.cmp(&two.path));
    assert!(sources.len() > 60, "the walk found only {} files", sources.len());
    sources
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn imports_only_go_down_the_stairs() {
    // Folder or file, what it must not name, why.
    const RULES: &[(&str, &[&str], &str)] = &[
        (
            "crates/core/src/kit/",
            &["crate::model", "crate::storage", "crate::providers", "crate::outbound"],
            "kit imports nothing of ours",
        ),
        (
            "crates/core/src/model/",
            &["crate::storage", "crate::providers", "crate::outbound", "tokio::", "async fn", ".await"],
            "model is pure: it imports kit only and waits for nothing",
        ),
        (
            "crates/core/src/storage/",
            &["crate::providers", "crate::outbound"],
            "storage does not touch the other hands",
        ),
        (
            "crates/core/src/providers/",
            &["crate::storage", "crate::outbound", "tokio::", "async fn", ".await"],
            "providers are pure: they describe a call and never make it",
        ),
        (
            "crates/core/src/outbound",
            &["crate::storage", "crate::providers", "crate::model"],
            "outbound imports kit only",
        ),
        ("crates/server/src/config/", &["crate::flows", "crate::web", "crate::app"], "config knows nobody above it"),
        ("crates/server/src/flows/", &["crate::web"], "flows never look up at the doors"),
        ("crates/server/src/snapshot/", &["crate::web", "crate::flows"], "the snapshot knows nobody above it"),
    ];
    let mut complaints = Vec::new();
    for source in sources() {
        for (place, words, why) in RULES {
            for word in words.iter().filter(|word| source.path.starts_with(place) && source.code.contains(**word)) {
                complaints.push(format!("{} names `{word}`: {why}", source.path));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn one_place_each() {
    // Words, the files that may hold them, why.
    const RULES: &[(&[&str], &[&str], &str)] = &[
        (
            &["rusqlite", "tokio_postgres"],
            &[
                "crates/core/src/storage/db.rs",
                "crates/core/src/storage/sqlite.rs",
                "crates/core/src/storage/sqlite_log.rs",
                "crates/core/src/storage/postgres.rs",
                "crates/core/src/storage/postgres_wire.rs",
                "crates/server/src/logging.rs",
            ],
            "only the database facade and its two engines name an engine (and the process log, which silences one)",
        ),
        (
            &["hyper_util::client", "hyper_rustls", "TcpStream::connect"],
            &[
                "crates/core/src/outbound.rs",
                "crates/core/src/outbound/connect.rs",
                "crates/server/src/web/dev/calls.rs",
            ],
            "only the outbound client opens connections (and the try-it page, which plays an outside application)",
        ),
        (
            &["\"error_description\""],
            &[
                "crates/server/src/web/auth/error.rs",
                "crates/server/src/flows/authorize/answer.rs",
                "crates/server/src/web/dev/",
            ],
            "error bodies of the Authentication API are written in one file, errors for the redirect URI in another",
        ),
        (
            &["\"statusCode\""],
            &[
                "crates/server/src/web/management/error.rs",
                "crates/server/src/web/management/audit.rs",
                "crates/server/src/web/auth/error.rs",
            ],
            "error bodies of the Management API are written in one file (and those of sign-ups, which look like them, too)",
        ),
        (
            &["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE users"],
            &["crates/core/src/storage/"],
            "SQL stands in storage only",
        ),
    ];
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| {
        source.path.contains("/src/")
            && !source.path.starts_with("bench/")
            && !source.path.starts_with("crates/simulator/")
    }) {
        for (words, places, why) in RULES {
            let at_home = places.iter().any(|place| source.path.starts_with(place));
            for word in words.iter().filter(|word| !at_home && source.code.contains(**word)) {
                complaints.push(format!("{} holds `{word}`: {why}", source.path));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut complaints = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > 500 {
            complaints.push(format!("{} has {lines} lines: split it, 500 is the limit", source.path));
        }
        if source.text.contains(|letter: char| letter.is_control() && letter != '\n') {
            complaints.push(format!("{} holds a control character: write its escape", source.path));
        }
        if !source.text.starts_with("//! ") {
            complaints.push(format!("{} does not begin with `//!` and one sentence of purpose", source.path));
        }
        if source.text.lines().any(|line| line.trim_start().starts_with("#[allow(") || line.starts_with("#![allow(")) {
            complaints.push(format!("{} has an `allow`: use `#[expect(…, reason = …)]`", source.path));
        }
    }
    assert_none(&complaints);
}

#[test]
fn numbered_rows_that_comments_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rows = fs::read_to_string(root.join("docs/COMPATIBILITY.md")).unwrap();
    let mut complaints = Vec::new();
    for source in sources() {
        for comment in source.text.lines().filter(|line| line.trim_start().starts_with("//")) {
            for word in comment.split(|c: char| !c.is_ascii_alphanumeric()) {
                let number =
                    word.strip_prefix('C').filter(|rest| (3..=4).contains(&rest.len()) && rest.parse::<u16>().is_ok());
                if number.is_some() && !rows.contains(&format!("| {word} ")) {
                    complaints
                        .push(format!("{} names row {word}, which docs/COMPATIBILITY.md does not have", source.path));
                }
            }
            if comment.contains("xx)") || comment.contains("C4xx") || comment.contains("C5xx") {
                complaints.push(format!("{} names a row without a number: {}", source.path, comment.trim()));
            }
        }
    }
    assert_none(&complaints);
}
