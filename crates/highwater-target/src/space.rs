//! How much room a disk has.

use std::path::Path;

use crate::error::TargetError;

/// Room on the file system of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this user can still write.
    pub available_bytes: u64,
    /// Size of the file system.
    pub total_bytes: u64,
}

/// Room on the file system on which `path` is, or would be made.
///
/// # Errors
/// [`TargetError::File`] if not even an ancestor of it can be looked at.
pub fn disk_space(path: &Path) -> Result<DiskSpace, TargetError> {
    let absolute = std::path::absolute(path).map_err(TargetError::file("look at", path))?;
    let existing = absolute
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(&absolute);
    let found =
        rustix::fs::statvfs(existing).map_err(|errno| TargetError::file("look at", path)(errno.into()))?;
    Ok(DiskSpace {
        available_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_yet_has_the_room_of_its_nearest_ancestor() {
        let dir = tempfile::tempdir().unwrap();
        let here = disk_space(dir.path()).unwrap();
        assert!(here.available_bytes > 0 && here.available_bytes <= here.total_bytes);
        let below = disk_space(&dir.path().join("a/b/c")).unwrap();
        assert_eq!(here.total_bytes, below.total_bytes);
        assert!(disk_space(Path::new("relative")).is_ok());
    }
}
