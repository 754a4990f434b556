//! Counts what passed, by provider and kind, and prints it as a table.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
};

/// How many failures of a provider and kind are printed.
const SHOWN: usize = 4;

/// A failure that is accepted, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    /// Part of the name of what fails.
    pub(crate) name: &'static str,
    /// Part of what is said of it.
    pub(crate) says: &'static str,
    /// Why that is right.
    pub(crate) why: &'static str,
}

/// What passed and what did not.
#[derive(Debug)]
pub(crate) struct Score {
    title: &'static str,
    exceptions: &'static [Exception],
    met: BTreeMap<usize, usize>,
    rows: BTreeMap<(String, &'static str), Row>,
}

#[derive(Debug, Default)]
struct Row {
    passed: usize,
    accepted: usize,
    failures: Vec<String>,
}

impl Score {
    /// Begins to count. Failures in `exceptions` are accepted.
    pub(crate) fn new(title: &'static str, exceptions: &'static [Exception]) -> Self {
        Self { title, exceptions, met: BTreeMap::new(), rows: BTreeMap::new() }
    }

    /// Counts one check of `name`.
    pub(crate) fn count(&mut self, provider: &str, kind: &'static str, name: &str, result: Result<(), String>) {
        let row = self.rows.entry((provider.to_owned(), kind)).or_default();
        let Err(said) = result else {
            row.passed += 1;
            return;
        };
        let is_known = |exception: &Exception| name.contains(exception.name) && said.contains(exception.says);
        if let Some(known) = self.exceptions.iter().position(is_known) {
            *self.met.entry(known).or_default() += 1;
            row.accepted += 1;
        } else {
            row.failures.push(format!("{kind}: {name}\n      {said}"));
        }
    }

    /// Prints the table. Panics if the verdict is bad.
    pub(crate) fn finish(self) {
        // Past the capture of the test harness: the table is what the run is for.
        let _ = io::stdout().write_all(self.table().as_bytes());
        if let Err(verdict) = self.verdict() {
            panic!("{verdict}");
        }
    }

    fn table(&self) -> String {
        let mut table = format!("\n{}\n", self.title);
        let mut all = Row::default();
        for ((provider, kind), row) in &self.rows {
            line(&mut table, provider, kind, row);
            all.passed += row.passed;
            all.accepted += row.accepted;
            all.failures.extend(row.failures.iter().cloned());
        }
        line(&mut table, "all", "", &all);
        for (place, times) in &self.met {
            let why = self.exceptions.get(*place).map_or("", |exception| exception.why);
            let _ = writeln!(table, "  accepted {times} times: {why}");
        }
        for failure in self.rows.values().flat_map(|row| row.failures.iter().take(SHOWN)) {
            let _ = writeln!(table, "  FAILED {failure}");
        }
        table
    }

    /// Bad is: something failed that is not accepted, nothing was counted, or an accepted failure no
    /// longer happens.
    fn verdict(&self) -> Result<(), String> {
        let failed: usize = self.rows.values().map(|row| row.failures.len()).sum();
        if failed > 0 {
            return Err(format!("{failed} checks failed, see the table"));
        }
        if self.rows.values().all(|row| row.passed == 0) {
            return Err("nothing was checked".to_owned());
        }
        let unmet = self.exceptions.iter().enumerate().find(|(place, _)| !self.met.contains_key(place));
        unmet.map_or(Ok(()), |(_, exception)| Err(format!("this exception is no longer needed: {exception:?}")))
    }
}

fn line(table: &mut String, provider: &str, kind: &str, row: &Row) {
    let of = row.passed + row.accepted + row.failures.len();
    let accepted = if row.accepted > 0 { format!(", {} not for a listed reason", row.accepted) } else { String::new() };
    let _ = writeln!(table, "  {provider:<12} {kind:<24} {:>5} of {of:>5}{accepted}", row.passed);
}

#[test]
fn what_is_accepted_must_happen_and_nothing_else_may() {
    const ONE: &[Exception] = &[Exception { name: "a", says: "b", why: "c" }];
    let verdict = |checks: &[(&str, Result<(), &str>)]| {
        let mut score = Score::new("", ONE);
        for (name, result) in checks {
            score.count("p", "k", name, result.map_err(str::to_owned));
        }
        score.verdict()
    };
    assert_eq!(verdict(&[("x", Ok(())), ("ay", Err("bz"))]), Ok(()));
    assert!(verdict(&[("x", Ok(()))]).is_err_and(|said| said.contains("no longer needed")));
    assert!(verdict(&[("ay", Err("bz")), ("ay", Err("c"))]).is_err_and(|said| said.starts_with("1 checks failed")));
    assert!(verdict(&[]).is_err_and(|said| said.contains("nothing")));
}
