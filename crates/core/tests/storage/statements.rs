//! Every statement in the sources of storage is one that both engines accept.

use super::engines;

/// The files whose statements are for one engine only, or are put together from parts and run in `sealed.rs`.
const LEFT_OUT: [&str; 6] = ["db.rs", "migrations.rs", "postgres.rs", "postgres_wire.rs", "sealed.rs", "sqlite.rs"];

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_accepted_by_every_engine() {
    let statements = statements();
    assert!(statements.len() > 50, "only {} statements were found", statements.len());
    for engine in engines().await {
        let statements = statements.clone();
        let refused: Vec<String> = engine
            .read(move |tx| {
                let mut refused = Vec::new();
                for (file, sql) in statements {
                    if let Err(error) = tx.prepare(sql) {
                        refused.push(format!("{file}: {error}\n    {sql}"));
                    }
                }
                Ok(refused)
            })
            .await;
        assert!(refused.is_empty(), "{}:\n{}", engine.name, refused.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_the_whole_of_a_table_that_grows() {
    let engine = engines().await.remove(0);
    let file = rusqlite::Connection::open(engine.folder.as_ref().unwrap().join("ringpass.db")).unwrap();
    let mut found = Vec::new();
    // An export counts its users once, with a reader, while nobody waits.
    for (name, sql) in statements().into_iter().filter(|(name, sql)| name != "jobs.rs" || !sql.contains("count(*)")) {
        let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut steps = plan.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            if GROWING.iter().any(|table| step.trim() == format!("SCAN {table}")) {
                found.push(format!("{name}: {step}\n    {sql}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A plan that reads one of these from one end to the other names no index.
const GROWING: [&str; 21] = [
    "users",
    "other",
    "codes",
    "logs",
    "access_tokens",
    "refresh_tokens",
    "grants",
    "tickets",
    "password_history",
    "sessions",
    "logins",
    "authorization_codes",
    "pushed_requests",
    "login_tickets",
    "logout_notices",
    "outbox",
    "authenticators",
    "mfa_transactions",
    "mfa_codes",
    "known_origins",
    "phone_backoffs",
];

/// File and text of every statement in the sources of storage that is for both engines.
fn statements() -> Vec<(String, &'static str)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage");
    let mut statements: Vec<(String, &'static str)> = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !LEFT_OUT.contains(&name.as_str()) {
            let mut source = std::fs::read_to_string(&path).unwrap();
            if source.contains("users::{self, columns}") {
                source.push_str(&std::fs::read_to_string(path.with_file_name("users.rs")).unwrap());
            }
            statements.extend(literals(&source).into_iter().filter(|text| is_sql(text)).map(|text| {
                let sql: &'static str = Box::leak(text.into_boxed_str());
                (name.clone(), sql)
            }));
        }
    }
    statements
}

fn is_sql(text: &str) -> bool {
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb))
}

/// The string literals of a Rust source that has no character literals with a quote; those inside a `concat!` are one,
/// with the literal of a macro named `columns` wherever it is called.
fn literals(source: &str) -> Vec<String> {
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let columns = code.split_once("macro_rules! columns").and_then(|(_, rest)| rest.split('"').nth(1));
    let code = code.replace("columns!()", &format!("\"{}\"", columns.unwrap_or_default()));
    let mut found = Vec::new();
    let mut joined: Option<String> = None;
    let mut rest = code.chars();
    loop {
        let before: String = rest.by_ref().take_while(|c| *c != '"').collect();
        if before.contains(')') {
            found.extend(joined.take());
        }
        if before.contains("concat!(") {
            joined = Some(String::new());
        }
        if rest.as_str().is_empty() {
            return found;
        }
        let text = literal(&mut rest);
        match &mut joined {
            Some(joined) => joined.push_str(&text),
            None => found.push(text),
        }
    }
}

/// The rest of a literal whose opening quote has been read.
fn literal(rest: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    loop {
        match rest.next() {
            None | Some('"') => return text,
            Some('\\') => match rest.next() {
                Some('\n') => {
                    let blank = rest.clone().take_while(|c| c.is_whitespace()).count();
                    rest.by_ref().take(blank).for_each(drop);
                }
                Some('n') => text.push('\n'),
                escaped => text.extend(escaped),
            },
            Some(c) => text.push(c),
        }
    }
}

#[test]
fn literals_are_read_as_the_compiler_reads_them() {
    let source = "// \"no\"\nf(\"SELECT a \\\n        FROM b\", \"say \\\"x\\\"\");\n\
        macro_rules! columns { () => { \"c, \\\n d\" } }\nconcat!(\"SELECT \", columns!(), \" FROM e\"); g(\"f\");";
    assert_eq!(literals(source), ["SELECT a FROM b", "say \"x\"", "c, d", "SELECT c, d FROM e", "f"]);
}
