use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder as Facade, SharedString, Unit};

/// Keeps counters and gauges, and writes them as Prometheus reads them.
///
/// `metrics-exporter-prometheus` would do, but that it calibrates a clock for what we do not use when it
/// is made, and spins for up to 200 ms where the machine is busy: longer than a start may take.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<BTreeMap<String, Family>>>);

/// All values of a name.
#[derive(Debug, Default)]
struct Family {
    help: Option<SharedString>,
    /// By labels as they are written.
    counters: BTreeMap<String, Arc<AtomicU64>>,
    gauges: BTreeMap<String, Arc<AtomicU64>>,
}

impl Recorder {
    /// All that is known now, in the text format 0.0.4.
    ///
    /// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in &*self.lock() {
            let (kind, values) = match (family.counters.is_empty(), family.gauges.is_empty()) {
                (true, true) => continue,
                (false, _) => ("counter", &family.counters),
                (true, false) => ("gauge", &family.gauges),
            };
            // Writing into a string does not fail.
            if let Some(help) = &family.help {
                let _ = writeln!(text, "# HELP {name} {}", escaped(help, false));
            }
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for (labels, value) in values {
                let value = value.load(Ordering::Relaxed);
                let _ = match kind {
                    "counter" => writeln!(text, "{name}{labels} {value}"),
                    _ => writeln!(text, "{name}{labels} {}", f64::from_bits(value)),
                };
            }
        }
        text
    }

    fn describe(&self, name: &KeyName, help: SharedString) {
        self.lock().entry(name.as_str().to_owned()).or_default().help = Some(help);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Family>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facade for Recorder {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut families = self.lock();
        let family = families.entry(key.name().to_owned()).or_default();
        Counter::from_arc(family.counters.entry(labels(key)).or_default().clone())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut families = self.lock();
        let family = families.entry(key.name().to_owned()).or_default();
        Gauge::from_arc(family.gauges.entry(labels(key)).or_default().clone())
    }

    // Nobody tells one yet.
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// `{name="value",…}`, or nothing.
fn labels(key: &Key) -> String {
    let mut text = String::new();
    for label in key.labels() {
        text.push(if text.is_empty() { '{' } else { ',' });
        let _ = write!(text, "{}=\"{}\"", label.key(), escaped(label.value(), true));
    }
    if !text.is_empty() {
        text.push('}');
    }
    text
}

/// What ends a line or, in a label, its value must not stand as it is.
fn escaped(text: &str, in_label: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if in_label => escaped.push_str("\\\""),
            sign => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use metrics::{counter, describe_counter, gauge, with_local_recorder};

    use super::*;

    #[test]
    fn all_that_is_told_is_written_in_order() {
        let recorder = Recorder::default();
        with_local_recorder(&recorder, || {
            describe_counter!("seen_total", "What was \"seen\"\nat all");
            describe_counter!("never_total", "Nothing");
            counter!("seen_total", "by" => "b", "how" => "x").increment(2);
            counter!("seen_total", "by" => "a\"\\\n").increment(1);
            counter!("seen_total", "by" => "b", "how" => "x").increment(3);
            gauge!("height").set(1.5);
            gauge!("height").decrement(2.0);
        });
        let wanted = "# TYPE height gauge\nheight -0.5\n\
             # HELP seen_total What was \"seen\"\\nat all\n# TYPE seen_total counter\n\
             seen_total{by=\"a\\\"\\\\\\n\"} 1\nseen_total{by=\"b\",how=\"x\"} 5\n";
        assert_eq!(recorder.render(), wanted);
    }
}
