//! Where keys are kept, and the secret that they are hashed with.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tollway_auth::keys::{Digest, KeyStore, Pepper, PostgresStore, SqliteStore};

use crate::BoxError;
use crate::config::{Database, State};

/// Opens the database. To be called within a Tokio runtime; nothing is asked of it yet.
pub fn open(state: &State) -> Result<Arc<dyn KeyStore>, BoxError> {
    Ok(match &state.database {
        Database::Sqlite(file) => Arc::new(SqliteStore::new(file)),
        Database::Postgres(url) => {
            Arc::new(PostgresStore::new(url.expose()).map_err(|error| format!("state.database: {error}"))?)
        }
    })
}

/// What keys are hashed with: what is given; where a database is named, what is kept beside it, which
/// is made if need be. Else nothing is kept, and anything will do.
pub fn pepper(state: &State) -> Result<Pepper, BoxError> {
    if let Some(secret) = &state.secret {
        return Ok(Pepper::new(secret.expose().as_bytes())?);
    }
    match &state.secret_file {
        Some(file) if state.is_named => made(file),
        _ => Ok(Pepper::new(random()?.as_bytes())?),
    }
}

/// The same for who is about to make a key: it is kept in any case.
pub fn lasting_pepper(state: &State) -> Result<Pepper, BoxError> {
    match (&state.secret, &state.secret_file) {
        (None, Some(file)) => made(file),
        _ => pepper(state),
    }
}

/// The secret of a file, which is made if there is none.
fn made(file: &Path) -> Result<Pepper, BoxError> {
    let failed = |what: &str, error: std::io::Error| {
        format!("state.secret: the secret of the keys cannot be {what}: {}: {error}", file.display())
    };
    if !file.exists() {
        // A file that is there is whole, whoever else makes one at the same time.
        let mut draft = file.as_os_str().to_owned();
        draft.push(format!(".{:016x}", fastrand::u64(..)));
        let draft = Path::new(&draft);
        let write = || {
            let mut open = OpenOptions::new();
            let mut to = open.write(true).create(true).truncate(true).mode(0o600).open(draft)?;
            writeln!(to, "{}", random().map_err(std::io::Error::other)?)?;
            to.sync_all()
        };
        let written = write().and_then(|()| match fs::hard_link(draft, file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
        let _ = fs::remove_file(draft);
        written.map_err(|error| failed("written", error))?;
    }
    let text = fs::read_to_string(file).map_err(|error| failed("read", error))?;
    Ok(Pepper::new(text.trim().as_bytes()).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// 32 random bytes, as hexadecimal digits.
fn random() -> Result<String, BoxError> {
    let mut bytes = [0; 32];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| "no random bytes could be had")?;
    Ok(Digest::from(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("tollway-secret-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("tollway.db.secret");
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let file = file.clone();
                std::thread::spawn(move || made(&file).unwrap().fingerprint())
            })
            .collect();
        let made: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
        assert!(made.iter().all(|one| *one == made[0]));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
        fs::write(&file, "short").unwrap();
        assert!(super::made(&file).unwrap_err().to_string().contains("at least 32 bytes"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
