//! Who made what can be asked for again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// How many ids are remembered: some two megabytes.
const MOST: usize = 16 * 1024;

/// Longer ones are no ids.
const LONGEST: usize = 256;

/// Remembers which provider made a response, as far as this process has seen it. Others have not:
/// where there are several, the client says it (`x-tollway-provider`), or the configuration does.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    by: HashMap<Arc<str>, Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl Made {
    /// Notes that `provider` made `id`; the oldest note goes when there are too many.
    pub fn note(&self, id: &str, provider: &Arc<str>) {
        if id.is_empty() || id.len() > LONGEST {
            return;
        }
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id: Arc<str> = id.into();
        if notes.by.insert(id.clone(), provider.clone()).is_none() {
            notes.order.push_back(id);
        }
        if notes.order.len() > MOST
            && let Some(oldest) = notes.order.pop_front()
        {
            notes.by.remove(&oldest);
        }
    }

    /// Who made `id`, if that is remembered.
    pub fn by(&self, id: &str) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by.get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest_and_forgets_the_oldest() {
        let made = Made::default();
        let (first, second) = (Arc::from("first"), Arc::from("second"));
        made.note("resp_a", &first);
        made.note("resp_a", &second);
        assert_eq!(made.by("resp_a"), Some(second.clone()));
        made.note(&"x".repeat(300), &first);
        made.note("", &first);
        for at in 0..MOST {
            made.note(&format!("resp_{at}"), &first);
        }
        assert_eq!((made.by("resp_a"), made.by("resp_0")), (None, Some(first)));
        assert_eq!(made.0.lock().unwrap().by.len(), MOST);
    }
}
