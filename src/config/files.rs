use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path as FilePath, PathBuf},
};

/// The files that a configuration is made of, each as it looked just before it was read, so that no
/// change between the reading and the watching is missed.
///
/// Looking, rather than being told by the kernel, also sees files that come to be, and those that
/// are replaced through links, as Kubernetes does.
#[derive(Clone, Debug, Default)]
pub struct Files(RefCell<BTreeMap<PathBuf, Option<Look>>>);

/// What tells one content of a file from another, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    place: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
    length: u64,
}

impl Files {
    /// Looks at a file that is about to be read, or looked for.
    pub(super) fn note(&self, path: &FilePath) {
        // Of several looks the first counts: it was before every reading.
        self.0.borrow_mut().entry(path.to_owned()).or_insert_with(|| look(path));
    }

    /// The same files as they look now.
    #[must_use]
    pub fn anew(&self) -> Self {
        let paths = self.0.borrow();
        Self(RefCell::new(paths.keys().map(|path| (path.clone(), look(path))).collect()))
    }

    /// These files, and those of `others` that are not among them.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        let mut all = others.0.into_inner();
        all.extend(self.0.into_inner());
        Self(RefCell::new(all))
    }

    /// Whether one of them looks different now, has come to be, or is gone.
    pub fn have_changed(&self) -> bool {
        self.0.borrow().iter().any(|(path, before)| look(path) != *before)
    }
}

/// `None` where there is no file.
fn look(path: &FilePath) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    Some(Look {
        place: (metadata.dev(), metadata.ino()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        length: metadata.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Env, Settings, Source},
        *,
    };

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tollway-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_that_changes_comes_or_goes_is_seen() {
        let folder = Folder::new("files");
        let file = folder.0.join("a");
        for step in [Some("one"), Some("other"), None, Some("back")] {
            let files = Files::default();
            files.note(&file);
            assert!(!files.have_changed());
            match step {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            assert!(files.have_changed(), "{step:?}");
            assert!(!files.anew().have_changed());
        }
    }

    #[test]
    fn a_file_replaced_through_a_link_is_seen() {
        let folder = Folder::new("links");
        let at = |name: &str| folder.0.join(name);
        // As Kubernetes mounts a secret: what is read is a link into a folder that is itself one.
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("key"), "12345").unwrap();
        }
        std::os::unix::fs::symlink(at("v1"), at("data")).unwrap();
        let files = Files::default();
        files.note(&at("data").join("key"));
        std::os::unix::fs::symlink(at("v2"), at("next")).unwrap();
        fs::rename(at("next"), at("data")).unwrap();
        assert!(files.have_changed());
    }

    #[test]
    fn a_change_between_the_reading_and_the_watching_is_seen() {
        let folder = Folder::new("early");
        let key = folder.0.join("key");
        fs::write(&key, "a-key").unwrap();
        let text = format!("providers: {{openai: {{api_key: {{file: '{}'}}}}}}", key.display());
        let files = Files::default();
        let source = Source::text(text);
        Settings::load_noting(&source, &Env::default(), &files).unwrap();
        assert!(!files.have_changed());
        fs::write(&key, "another").unwrap();
        assert!(files.have_changed());
        // What was seen first counts where files are put together.
        assert!(files.clone().and(files.anew()).have_changed());
        assert!(!files.anew().and(files).have_changed());
    }
}
