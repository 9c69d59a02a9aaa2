//! Where the data of PostgreSQL are, and whose they are; and that nothing of it stays.
//!
//! PostgreSQL refuses to run as root. As root it runs as the user `postgres`, who must be able to reach the data: if a
//! folder above keeps that user out, the data go to the temporary directory instead. Invariant: what is outside the
//! folder of the run is removed in any case, also when this process is killed (see [`crate::guard`]).

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::cdc::CdcError;
use crate::error::TargetError;
use crate::guard::{Guard, REMOVABLE};
use crate::user::{SystemUser, is_root};

/// The folder of one PostgreSQL.
#[derive(Debug)]
pub(super) struct Home {
    /// Ends with this value, after which nothing is left.
    guard: Option<Guard>,
    /// Holds the data, and has nothing in it that others may read.
    dir: PathBuf,
    /// For the log and what else is written as this user.
    papers: PathBuf,
    user: Option<SystemUser>,
}

impl Home {
    pub(super) fn make(dir: &Path, highwater: &Path) -> Result<Self, TargetError> {
        fs::create_dir_all(dir).map_err(TargetError::file("create", dir))?;
        let papers = dir.canonicalize().map_err(TargetError::file("open", dir))?;
        let user = match is_root() {
            true => Some(SystemUser::named("postgres").ok_or(CdcError::NoPostgresUser)?),
            false => None,
        };
        let outside = user.is_some() && !open_to_all(&papers);
        let dir = if outside {
            let made = tempfile::Builder::new().prefix(REMOVABLE).tempdir();
            made.map_err(TargetError::file("create a folder in", std::env::temp_dir()))?
                .keep()
        } else {
            let dir = papers.join("postgres");
            let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(&dir);
            made.map_err(TargetError::file("create", &dir))?;
            dir
        };
        let mut home = Self {
            guard: None,
            dir,
            papers,
            user,
        };
        home.dir = home
            .dir
            .canonicalize()
            .map_err(TargetError::file("open", &home.dir))?;
        home.guard = Some(Guard::over(
            &home.data(),
            outside.then_some(home.dir.as_path()),
            highwater,
        )?);
        home.give(&home.dir)?;
        Ok(home)
    }

    /// The data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The folder above it, in which the user that PostgreSQL runs as may write.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder for the log.
    pub(super) fn papers(&self) -> &Path {
        &self.papers
    }

    /// Whom PostgreSQL runs as, if not as this user.
    pub(super) fn user(&self) -> Option<SystemUser> {
        self.user
    }

    /// Hands a file or folder over to whom PostgreSQL runs as.
    pub(super) fn give(&self, path: &Path) -> Result<(), TargetError> {
        match self.user {
            Some(user) => std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid))
                .map_err(TargetError::file("hand over", path)),
            None => Ok(()),
        }
    }

    /// Lets it stay.
    pub(super) fn leave(mut self) {
        if let Some(guard) = self.guard.take() {
            guard.leave();
        }
    }
}

/// True if every user may pass through this folder and all above it.
fn open_to_all(dir: &Path) -> bool {
    dir.ancestors().all(|ancestor| {
        fs::metadata(ancestor).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_closed_folder_above_is_enough_to_keep_others_out() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        set(dir.path(), 0o755);
        assert_eq!(open_to_all(&inner), open_to_all(&std::env::temp_dir()));
        set(dir.path(), 0o750);
        assert!(!open_to_all(&inner));
        assert!(!open_to_all(&dir.path().join("not there")));
    }
}
