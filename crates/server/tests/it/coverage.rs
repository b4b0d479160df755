//! Every row of the tables is called somewhere in these tests, by its method and a path written out.

use std::fs;
use std::path::{Path, PathBuf};

use ringpass::web::Family;
use ringpass::web::auth::Auth;
use ringpass::web::management::Management;
use ringpass::web::pages::Pages;

/// `METHOD /path/{parameter}` of every row.
fn rows<F: Family>() -> Vec<String> {
    F::ROUTES.iter().map(|route| format!("{} {}{}", route.method, F::PREFIX, route.path)).collect()
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

/// What stands for a method in a test.
const CALLS: &[(&str, &str)] = &[
    (".get(", "GET"),
    (".post(", "POST"),
    (".form(", "POST"),
    (".raw(", "POST"),
    (".patch(", "PATCH"),
    (".put(", "PUT"),
    (".delete(", "DELETE"),
    (".delete_with(", "DELETE"),
    (".send(Method::GET,", "GET"),
    (".send(Method::POST,", "POST"),
    (".send(Method::OPTIONS,", "OPTIONS"),
];

/// The path that a call begins with: a text, a `format!`, or a constant of the file.
fn path_of<'s>(rest: &'s str, source: &'s str) -> Option<&'s str> {
    let rest = rest.trim_start().trim_start_matches('&');
    let rest = rest.strip_prefix("format!(").map_or(rest, str::trim_start);
    let text = if let Some(text) = rest.strip_prefix('"') {
        text
    } else {
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'))?;
        let name = rest.get(..end).filter(|name| !name.is_empty())?;
        source.split_once(&format!("const {name}: &str = \""))?.1
    };
    text.split(['"', '?']).next()
}

/// Every call that the text of a test file writes out: `GET /api/v2/clients/{id}`.
fn calls(source: &str) -> Vec<String> {
    let mut calls = Vec::new();
    for (word, method) in CALLS {
        for (at, _) in source.match_indices(word) {
            let path = path_of(&source[at + word.len()..], source);
            calls.extend(path.filter(|path| path.starts_with('/')).map(|path| format!("{method} {path}")));
        }
    }
    calls
}

/// Whether a call is one of this row: the same segments, anything in the place of a parameter.
fn fits(row: &str, call: &str) -> bool {
    let (row, call): (Vec<&str>, Vec<&str>) = (row.split('/').collect(), call.split('/').collect());
    row.len() == call.len()
        && row.iter().zip(&call).all(|(row, call)| row == call || (row.starts_with('{') && !call.is_empty()))
}

#[test]
fn every_row_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut files = Vec::new();
    walk(&folder, &mut files);
    let calls: Vec<String> = files.iter().flat_map(|file| calls(&fs::read_to_string(file).unwrap())).collect();
    let rows = [rows::<Auth>(), rows::<Management>(), rows::<Pages>()].concat();
    let listed = fs::read_to_string(folder.join("untested_routes.txt")).unwrap();
    let listed: Vec<&str> = listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut complaints = Vec::new();
    for row in &rows {
        let (tested, known) = (calls.iter().any(|call| fits(row, call)), listed.contains(&row.as_str()));
        match (tested, known) {
            (true, true) => complaints.push(format!("{row} has a test now: strike it from untested_routes.txt")),
            (false, false) => complaints.push(format!("{row} has no test")),
            _ => {}
        }
    }
    for line in listed.iter().filter(|line| !rows.iter().any(|row| row == *line)) {
        complaints.push(format!("untested_routes.txt names {line}, which no table has"));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn calls_are_found_in_sources() {
    let source = r#"const START: &str = "/passwordless/start";
        a.post(START, x); b.get(&format!("/api/v2/clients/{id}?fields=a")).await;
        c.send(Method::OPTIONS, "/oauth/token", "", y); map.get("name"); d.delete(
            &format!("/api/v2/users/{}", id))"#;
    let mut found = calls(source);
    found.sort();
    let all =
        ["DELETE /api/v2/users/{}", "GET /api/v2/clients/{id}", "OPTIONS /oauth/token", "POST /passwordless/start"];
    assert_eq!(found, all);
    assert!(fits("GET /api/v2/clients/{id}", "GET /api/v2/clients/x"));
    assert!(!fits("GET /api/v2/clients/{id}", "GET /api/v2/clients"));
    assert!(!fits("GET /api/v2/clients/{id}", "GET /api/v2/clients/x/connections"));
    assert!(!fits("GET /api/v2/keys/signing/{kid}", "GET /api/v2/keys/{x}/y"));
}
