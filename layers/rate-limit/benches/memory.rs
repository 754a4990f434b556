//! What subjects take of memory: `cargo bench -p tollway-rate-limit --bench memory`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints its result")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tollway_rate_limit::{Dimension, Dimensions, Estimate, Limiter, Measure, Rule, Settings};

const MILLION: u32 = 1_000_000;
const MINUTE: Duration = Duration::from_mins(1);

fn main() {
    let window = Rule::new("window", Measure::Requests, 60, MINUTE).per(Dimension::Address);
    let even = window.clone().gcra(60);
    println!("{:<62} {:>10} {:>10} {:>8}", "", "subjects", "MiB", "ns each");
    for (name, rule) in [("sliding window", &window), ("even flow", &even)] {
        let limiter = limiter(rule);
        let now = Instant::now();
        report(&format!("{name}: a million subjects at once"), 1, &limiter, || {
            pass(&limiter, now, 0..MILLION);
        });
        let later = now + MINUTE * 2;
        let again = MILLION..MILLION + 10 * MILLION;
        report(&format!("{name}: ten million more in ten windows"), 10, &limiter, || {
            for (part, numbers) in (0..10).map(|part| (part, again.start + part * MILLION)) {
                pass(&limiter, later + MINUTE * 2 * part, numbers..numbers + MILLION);
            }
        });
        report(&format!("{name}: ten million more at once"), 10, &limiter, || {
            pass(&limiter, later + MINUTE * 40, 20 * MILLION..30 * MILLION);
        });
        report(&format!("{name}: swept when all is over"), 1, &limiter, || {
            limiter.sweep(later + MINUTE * 80);
        });
    }
}

fn limiter(rule: &Rule) -> Arc<Limiter> {
    Arc::new(Limiter::new([rule.clone()], Settings::default()).unwrap())
}

fn pass(limiter: &Arc<Limiter>, now: Instant, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let of = Dimensions::new().with_address(Ipv4Addr::from_bits(number).into());
        drop(limiter.reserve(now, &of, &Estimate::default()).unwrap());
    }
}

fn report(name: &str, millions: u128, limiter: &Limiter, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let each = start.elapsed().as_nanos() / (millions * u128::from(MILLION));
    println!("{name:<62} {:>10} {:>10} {each:>8}", limiter.subjects(), resident() / 1024);
}

/// Of the whole process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
