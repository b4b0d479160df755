//! A PostgreSQL that restarts under load, once in good order and once as if it had crashed, and one that falls silent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Answer, Server, World, need_postgres, phone};

/// A PostgreSQL of this test's own, since others must not notice.
struct Cluster(PathBuf);

impl Cluster {
    fn start(name: &str) -> (Self, String) {
        let folder = std::env::temp_dir().join(format!("ringpass_{name}_{}", std::process::id()));
        let url = script("start", &folder);
        (Self(folder), url.trim().to_owned())
    }

    fn restart(&self) {
        script("restart", &self.0);
    }

    /// The process that all others of the cluster come from.
    fn parent(&self) -> Pid {
        let text = fs::read_to_string(self.0.join("data/postmaster.pid")).unwrap();
        Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
    }

    /// Ends it without asking anyone.
    fn crash(&self) {
        kill_process(self.parent(), Signal::QUIT).unwrap();
    }

    /// The processes that serve connections, and the one that makes them.
    async fn processes(&self, url: &str) -> Vec<Pid> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let rows = client.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'", &[]).await;
        let served = rows.unwrap().into_iter().filter_map(|row| Pid::from_raw(row.get(0)));
        served.chain([self.parent()]).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script("stop", &self.0);
    }
}

fn script(command: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres");
    let out = Command::new(script).arg(command).arg(folder).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let out = out.unwrap();
    assert!(out.status.success(), "scripts/postgres {command} failed");
    String::from_utf8(out.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_restarts_under_load_costs_clean_refusals_only() {
    if need_postgres("a_postgres_that_restarts_under_load_costs_clean_refusals_only").is_none() {
        return;
    }
    let (cluster, url) = Cluster::start("cluster");
    // Throw-away clusters answer a commit before it is written; this one may not.
    let mut world = World::on("restart", Some(&format!("{url}?options=-csynchronous_commit%3Don"))).await;
    let server = world.serve(&[]).await;
    world.set_up(&server).await;
    let (world, server, over) = (Arc::new(world), Arc::new(server), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (world, server, over) = (Arc::clone(&world), Arc::clone(&server), Arc::clone(&over));
            tokio::spawn(async move { call_on_and_on(&world, &server, &over, caller * 1000).await })
        })
        .collect();
    let cluster = tokio::task::spawn_blocking(move || {
        let pause = || std::thread::sleep(Duration::from_millis(500));
        pause();
        cluster.restart();
        pause();
        cluster.crash();
        pause();
        cluster.restart();
        pause();
        cluster
    });
    let cluster = cluster.await.unwrap();
    // All is well again by itself, soon.
    let began = Instant::now();
    while server.readyz().await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", server.readyz().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    over.store(true, Ordering::SeqCst);
    let (mut tokens, mut refusals) = (Vec::new(), 0);
    for caller in callers {
        let (got, refused) = caller.await.unwrap();
        tokens.extend(got);
        refusals += refused;
    }
    assert!(refusals > 0 && tokens.len() > 20, "{refusals} refusals, {} sign-ins", tokens.len());
    server.start(&world.client_id, &phone(9000)).await.unwrap().is(200);
    // What was answered is there, and what was used up stays so.
    for (phone, code, token) in &tokens {
        assert_eq!(server.userinfo(token).await.unwrap().is(200)["phone_number"], phone.as_str());
        let again = server.exchange(&world.client_id, phone, code).await.unwrap();
        assert_eq!(again.is(403)["error"], "invalid_grant");
    }
    let used = world.count("SELECT COUNT(*) FROM codes WHERE used_at IS NOT NULL").await;
    let counted = world.count("SELECT CAST(SUM(logins_count) AS BIGINT) FROM users").await;
    let events = world.count("SELECT COUNT(*) FROM logs WHERE type = 's'").await;
    assert_eq!((used, used), (counted, events));
    drop((world, server, cluster));
}

#[tokio::test]
async fn a_postgres_that_falls_silent_is_not_waited_for() {
    if need_postgres("a_postgres_that_falls_silent_is_not_waited_for").is_none() {
        return;
    }
    let (cluster, url) = Cluster::start("silent");
    let mut world = World::on("silent", Some(&url)).await;
    let server = world.serve(&[]).await;
    world.set_up(&server).await;
    server.start(&world.client_id, &phone(0)).await.unwrap().is(200);
    let code = world.codes_of(&phone(0)).pop().unwrap();
    let processes = cluster.processes(&url).await;
    let all = |signal| processes.iter().for_each(|pid| kill_process(*pid, signal).unwrap());
    all(Signal::STOP);
    // Connections stay open and nobody answers, as when a machine has lost its power.
    let exchange = async || server.exchange(&world.client_id, &phone(0), &code).await;
    let start = async || server.start(&world.client_id, &phone(1)).await;
    let answers = tokio::join!(exchange(), exchange(), start());
    all(Signal::CONT);
    for answer in [answers.0, answers.1, answers.2] {
        let answer = answer.unwrap();
        assert!(answer.is_unavailable(), "{answer:?}");
    }
    let began = Instant::now();
    while !start().await.unwrap().body["_id"].is_string() {
        assert!(began.elapsed() < Duration::from_secs(5), "still unavailable");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    exchange().await.unwrap().is(200);
    drop((world, server, cluster));
}

/// Signs fresh numbers in; what each sign-in came to, and how often the answer was to come back later.
async fn call_on_and_on(
    world: &World,
    server: &Server,
    over: &AtomicBool,
    first: usize,
) -> (Vec<(String, String, String)>, usize) {
    let (mut tokens, mut refusals) = (Vec::new(), 0);
    let mut is_refused = |answer: &Answer| {
        refusals += usize::from(answer.status != 200);
        assert!(answer.status == 200 || answer.is_unavailable(), "{answer:?}");
        answer.status != 200
    };
    for number in first..first + 1000 {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let phone = phone(number);
        if is_refused(&server.start(&world.client_id, &phone).await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let code = world.codes_of(&phone).pop().unwrap();
        let answer = server.exchange(&world.client_id, &phone, &code).await.unwrap();
        if !is_refused(&answer) {
            let token = answer.text("access_token");
            tokens.push((phone, code, token));
        }
    }
    (tokens, refusals)
}
