use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use super::*;

const PROCESSES: usize = 4;
const EACH: usize = 250;

#[test]
fn four_processes_spend_no_more_than_there_is() {
    for lease in [0, 10] {
        let Some(server) = Server::start(&[]) else { return };
        let mut processes: Vec<_> = (0..PROCESSES).map(|_| Process::start(&server.url(), lease)).collect();
        for process in &mut processes {
            process.line("ready");
        }
        for process in &mut processes {
            writeln!(process.child.stdin.as_mut().unwrap(), "go").unwrap();
        }
        let passed: usize = processes.into_iter().map(Process::passed).sum();
        if lease == 0 {
            assert_eq!(passed, 100);
        } else {
            // What the others have leased is not there for the last.
            assert!((100 - 3 * 10..=100).contains(&passed), "{passed}");
        }
    }
}

#[test]
fn what_a_killed_process_reserved_stays_spent() {
    let Some(server) = Server::start(&[]) else { return };
    let mut process = Process::start(&server.url(), 0);
    process.line("ready");
    writeln!(process.child.stdin.as_mut().unwrap(), "hold").unwrap();
    process.line("held");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(left(&server.url())), 60);
}

/// This test binary in a process of its own, running the test below. Killed when dropped.
struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(url: &str, lease: i64) -> Self {
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

    /// Waits for a line that begins so, and returns the rest of it.
    fn line(&mut self, word: &str) -> String {
        let mut lines = self.output.by_ref().lines().map_while(Result::ok);
        lines.find_map(|line| Some(line.strip_prefix(word)?.to_owned())).expect("the process tells")
    }

    fn passed(mut self) -> usize {
        let passed = self.line("passed ").parse().unwrap();
        assert!(self.child.wait().unwrap().success());
        passed
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "one of the processes of the tests above, which run it"]
#[expect(clippy::print_stdout, reason = "so it tells those tests what passed")]
fn one_of_four() {
    let told = std::env::var("TOLLWAY_REPLICA").expect("run by the tests above");
    let (url, lease) = told.split_once(' ').unwrap();
    let budgets = replica(url, [daily(lease.parse().unwrap(), OnFailure::Closed)], patient());
    println!("\nready");
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if word.trim() == "hold" {
            let held = reserve(&budgets, 40).await.unwrap();
            println!("held");
            std::future::pending::<()>().await;
            drop(held);
        }
        let tasks: Vec<_> = (0..EACH)
            .map(|_| {
                let budgets = budgets.clone();
                tokio::spawn(async move { reserve(&budgets, 1).await })
            })
            .collect();
        let mut passed = Vec::new();
        for task in tasks {
            passed.extend(task.await.unwrap().ok());
        }
        println!("passed {}", passed.len());
    });
}
