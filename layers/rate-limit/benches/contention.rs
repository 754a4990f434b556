//! What many at once do to decisions: `cargo bench -p tollway-rate-limit --bench contention`.
//!
//! Throughput by threads, with the time on a core that a decision takes (which is what it would be on a
//! machine that does nothing else: where it stays, throughput grows with cores), and how long the slowest of many decisions took while 64 tasks decide.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints its result")]
#![expect(clippy::cast_precision_loss, reason = "figures of three digits")]

mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollway_rate_limit::{Actual, Dimensions, Estimate, Limiter, Settings};

use self::rules::{caller, rules};

const ESTIMATE: Estimate = Estimate { input: 1_000, output: 500, stream: true };
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;
const TASKS: usize = 64;
const DECISIONS: usize = 4_000;

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("reserve and settle, best of {ROUNDS} rounds, {cores} cores");
    println!("{:<42} {:>8} {:>16} {:>10}", "rules", "threads", "decisions/s", "cpu ns");
    for (name, count, without_global) in
        [("ten, one of all together", 10, false), ("nine, all by caller", 10, true), ("one, by key", 1, true)]
    {
        for threads in (1..=cores * 2).filter(|threads| threads.is_power_of_two()) {
            let (rate, cpu) = throughput(&limiter(count, without_global), threads);
            println!("{name:<42} {threads:>8} {rate:>16.0} {cpu:>10.0}");
        }
    }
    println!("\n{TASKS} tasks on a runtime of {cores} threads, {DECISIONS} decisions each, ten rules; ns");
    println!("{:<42} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p99", "p99.9", "max");
    for (name, same) in [("a caller each", false), ("all one caller", true)] {
        let mut times = under_load(&limiter(10, false), same);
        times.sort_unstable();
        let at = |thousandth: usize| times[(times.len() - 1) * thousandth / 1_000];
        println!("{name:<42} {:>8} {:>8} {:>8} {:>8}", at(500), at(990), at(999), at(1_000));
    }
}

fn limiter(count: usize, without_global: bool) -> Arc<Limiter> {
    let rules = rules(count).into_iter().filter(|rule| !without_global || rule.per.iter().next().is_some());
    Arc::new(Limiter::new(rules, Settings::default()).unwrap())
}

fn decide(limiter: &Arc<Limiter>, caller: &Dimensions) {
    let now = Instant::now();
    let reservation = limiter.reserve(now, caller, &ESTIMATE).unwrap();
    reservation.settle(now, Actual::tokens(900, 200));
}

/// Decisions a second, and the time of a core each takes in nanoseconds.
fn throughput(limiter: &Arc<Limiter>, threads: usize) -> (f64, f64) {
    let round = || {
        let (stop, decided, cpu) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (stop, decided, cpu) = (&stop, &decided, &cpu);
                scope.spawn(move || {
                    let first = u32::try_from(thread * 1_000).unwrap();
                    let callers: Vec<_> = (first..first + 1_000).map(caller).collect();
                    // As each worker of a gateway has its own.
                    let limiter = Arc::new(limiter.apart());
                    let mut count = 0;
                    let before = cpu_time();
                    while !stop.load(Ordering::Relaxed) {
                        for caller in &callers {
                            decide(&limiter, caller);
                        }
                        count += callers.len() as u64;
                    }
                    cpu.fetch_add(cpu_time() - before, Ordering::Relaxed);
                    decided.fetch_add(count, Ordering::Relaxed);
                });
            }
            let start = Instant::now();
            while start.elapsed() < ROUND {
                std::thread::park_timeout(ROUND);
            }
            stop.store(true, Ordering::Relaxed);
        });
        let decided = decided.into_inner() as f64;
        (decided / ROUND.as_secs_f64(), cpu.into_inner() as f64 / decided)
    };
    let rounds = (0..ROUNDS).map(|_| round());
    rounds.fold((0.0, f64::MAX), |best, (rate, cpu)| (best.0.max(rate), best.1.min(cpu)))
}

/// For how long this thread has been on a core, in nanoseconds.
fn cpu_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

/// How long each decision took.
fn under_load(limiter: &Arc<Limiter>, same: bool) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let limiter = limiter.clone();
            tasks.spawn(async move {
                let caller = caller(if same { 0 } else { u32::try_from(task).unwrap() });
                let mut times = Vec::with_capacity(DECISIONS);
                for _ in 0..DECISIONS {
                    let start = Instant::now();
                    let reservation = limiter.reserve(start, &caller, &ESTIMATE).unwrap();
                    times.push(u64::try_from(start.elapsed().as_nanos()).unwrap());
                    // Other tasks run while this request goes on.
                    tokio::task::yield_now().await;
                    reservation.settle(start, Actual::tokens(900, 200));
                }
                times
            });
        }
        tasks.join_all().await.into_iter().flatten().collect()
    })
}
