use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tollway_rate_limit::OnFailure;

use super::server::Server;
use super::{patient, replica, requests, reserve};

const LIMIT: usize = 400;
const WINDOW: Duration = Duration::from_secs(2);
const REPLICAS: usize = 4;
const TASKS: u64 = 500;

/// When a request asked, and when it passed, in microseconds by the machine's clock.
type Passed = (u64, u64);

#[test]
fn four_processes_hold_a_limit_together() {
    for lease in [0, 10] {
        let Some(server) = Server::start(&[]) else { return };
        let passed = run(&server, lease);
        let window = u64::try_from(WINDOW.as_micros()).unwrap();
        let bound = LIMIT + REPLICAS * lease;
        for (from, _) in &passed {
            let surely_within = passed.iter().filter(|(asked, at)| asked >= from && *at < from + window);
            let count = surely_within.count();
            assert!(count <= bound, "{count} in a window, lease {lease}");
        }
        // The demand is there, so that what may pass does.
        let first = passed.iter().map(|(asked, _)| *asked).min().unwrap();
        let at_first = passed.iter().filter(|(_, at)| *at < first + window).count();
        assert!(at_first + REPLICAS * lease >= LIMIT, "{at_first} in the first window, lease {lease}");
        assert!(passed.len() > LIMIT * 3 / 2, "{} in three windows", passed.len());
    }
}

/// Runs four processes at the same time for three windows.
fn run(server: &Server, lease: usize) -> Vec<Passed> {
    let mut replicas: Vec<Replica> = (0..REPLICAS).map(|_| Replica::start(&server.url(), lease)).collect();
    for replica in &mut replicas {
        replica.expect("ready");
    }
    for replica in &mut replicas {
        writeln!(replica.child.stdin.as_mut().unwrap(), "go").unwrap();
    }
    replicas.into_iter().flat_map(Replica::passed).collect()
}

/// This test binary in a process of its own, running the test below. Killed when dropped.
struct Replica {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Replica {
    fn start(url: &str, lease: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::one_of_four", "--ignored", "--nocapture"])
            .env("TOLLWAY_REPLICA", format!("{url} {lease}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn expect(&mut self, word: &str) {
        assert!(self.output.by_ref().lines().map_while(Result::ok).any(|line| line == word));
    }

    fn passed(mut self) -> Vec<Passed> {
        let lines = self.output.by_ref().lines().map_while(Result::ok);
        let passed = lines.filter_map(|line| {
            let (asked, at) = line.strip_prefix("passed ")?.split_once(' ')?;
            Some((asked.parse().unwrap(), at.parse().unwrap()))
        });
        let passed = passed.collect();
        assert!(self.child.wait().unwrap().success());
        passed
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "one of the processes of the test above, which runs it"]
#[expect(clippy::print_stdout, reason = "so it tells that test what passed")]
fn one_of_four() {
    let told = std::env::var("TOLLWAY_REPLICA").expect("run by four_processes_hold_a_limit_together");
    let (url, lease) = told.split_once(' ').unwrap();
    let rule = requests(LIMIT as u64, WINDOW, lease.parse().unwrap(), OnFailure::Closed);
    let limiter = replica(url, [rule], patient());
    println!("\nready");
    std::io::stdin().lines().next().unwrap().unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let passed = runtime.block_on(async {
        let until = Instant::now() + WINDOW * 3;
        let tasks = (0..TASKS).map(|task| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let mut passed = Vec::new();
                while Instant::now() < until {
                    let asked = now();
                    if reserve(&limiter, Instant::now(), "a").await.is_ok() {
                        passed.push((asked, now()));
                    }
                    tokio::time::sleep(Duration::from_millis(200 + task % 200)).await;
                }
                passed
            })
        });
        let mut passed = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            passed.extend(task.await.unwrap());
        }
        passed
    });
    for (asked, at) in passed {
        println!("passed {asked} {at}");
    }
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}
