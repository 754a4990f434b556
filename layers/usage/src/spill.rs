//! Batches that wait in files until their store is back.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Batch;

/// A folder with one file for each batch. A file is whole, synced and under its name, or it is not there.
#[derive(Debug)]
pub(crate) struct Spill {
    folder: PathBuf,
    /// How many bytes all files may have.
    limit: u64,
    bytes: u64,
    /// The oldest first.
    files: VecDeque<(PathBuf, u64)>,
    made: u64,
}

/// Why a batch is not in a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpillError {
    #[error("the folder of spilled usage is full, in bytes: {0}")]
    Full(u64),
    #[error("usage cannot be spilled: {0}")]
    Failed(#[from] io::Error),
    #[error("spilled usage cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Spill {
    /// Opens a folder, which is made where there is none, with what was left there.
    pub(crate) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(WHOLE) => files.push((path.clone(), fs::metadata(&path)?.len())),
                // Its batch was never promised to anybody.
                Some(PART) => fs::remove_file(&path)?,
                _ => {}
            }
        }
        files.sort_unstable();
        let bytes = files.iter().map(|(_, bytes)| bytes).sum();
        Ok(Self { folder: folder.to_owned(), limit, bytes, files: files.into(), made: 0 })
    }

    /// Writes a batch, and returns when it is on the disk.
    pub(crate) fn put(&mut self, batch: &Batch) -> Result<(), SpillError> {
        if self.bytes >= self.limit {
            return Err(SpillError::Full(self.bytes));
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.made += 1;
        // Named so that the order of names is that of time, and another process takes no name of ours.
        let name = format!("{:015}-{:06}-{}", since.as_millis(), self.made, batch.id());
        let part = self.folder.join(&name).with_extension(PART);
        let whole = part.with_extension(WHOLE);
        let bytes = write(&part, batch).inspect_err(|_| drop(fs::remove_file(&part)))?;
        fs::rename(&part, &whole)?;
        // The name is part of what must not be lost.
        File::open(&self.folder)?.sync_all()?;
        self.bytes += bytes;
        self.files.push_back((whole, bytes));
        Ok(())
    }

    /// The oldest batch; none where there is none. One that cannot be read is set aside, which is an error.
    pub(crate) fn oldest(&mut self) -> Result<Option<(PathBuf, Batch)>, SpillError> {
        let Some((path, _)) = self.files.front().cloned() else { return Ok(None) };
        match read(&path) {
            Ok(batch) => Ok(Some((path, batch))),
            Err(SpillError::Failed(error)) if error.kind() == io::ErrorKind::NotFound => {
                // Another process has it, or whoever deleted it wanted that.
                self.forget(&path);
                Ok(None)
            }
            Err(error) => {
                self.set_aside(&path);
                Err(error)
            }
        }
    }

    /// Deletes what the store has.
    pub(crate) fn remove(&mut self, path: &Path) {
        self.forget(path);
        if let Err(error) = fs::remove_file(path) {
            // It is written again at the next start, which changes nothing.
            tracing::warn!(%error, file = %path.display(), "cannot delete spilled usage");
        }
    }

    /// Lets the others go first.
    pub(crate) fn put_last(&mut self, path: &Path) {
        if let Some(at) = self.files.iter().position(|(file, _)| file == path) {
            let file = self.files.remove(at);
            self.files.extend(file);
        }
    }

    /// Keeps a file under another name, for whoever wants to know why it cannot be written.
    pub(crate) fn set_aside(&mut self, path: &Path) {
        self.forget(path);
        let aside = path.with_extension("bad");
        match fs::rename(path, &aside) {
            Ok(()) => {
                tracing::error!(file = %aside.display(), "set aside spilled usage that cannot be stored");
            }
            Err(error) => tracing::error!(%error, file = %path.display(), "cannot set spilled usage aside"),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn forget(&mut self, path: &Path) {
        if let Some(at) = self.files.iter().position(|(file, _)| file == path)
            && let Some((_, bytes)) = self.files.remove(at)
        {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

fn write(path: &Path, batch: &Batch) -> Result<u64, SpillError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut buffered = BufWriter::new(file);
    serde_json::to_writer(&mut buffered, batch).map_err(io::Error::from)?;
    buffered.flush()?;
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn read(path: &Path) -> Result<Batch, SpillError> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

const WHOLE: &str = "json";
const PART: &str = "part";
