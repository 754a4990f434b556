/// The fields of a request that are not carried, by path, each once and in order.
#[derive(Debug, Default)]
pub(super) struct Losses {
    list: Vec<String>,
    seen: std::collections::HashSet<String>,
}

impl Losses {
    /// Lists a field.
    pub(super) fn add(&mut self, path: impl Into<String>) {
        let path = path.into();
        if self.seen.insert(path.clone()) {
            self.list.push(path);
        }
    }

    /// Lists a field when it says something beyond its default.
    pub(super) fn add_if(&mut self, lost: bool, path: &str) {
        if lost {
            self.add(path);
        }
    }

    /// The paths.
    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }
}
