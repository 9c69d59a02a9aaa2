//! Where things live that outlast a run, after the XDG base directory specification.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Directories of Highwater in the home of the user. They may not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// What can be fetched again: `$XDG_CACHE_HOME/highwater` or `~/.cache/highwater`.
    pub(crate) cache: PathBuf,
    /// What is running: `$XDG_STATE_HOME/highwater` or `~/.local/state/highwater`.
    pub(crate) state: PathBuf,
}

impl Places {
    pub(crate) fn from_environment() -> Self {
        Self::from(|name| env::var_os(name))
    }

    fn from(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // The specification: a path that is not absolute is to be ignored.
        let absolute = |name| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = absolute("HOME").unwrap_or_else(env::temp_dir);
        let place = |name, default| {
            absolute(name)
                .unwrap_or_else(|| home.join(default))
                .join("highwater")
        };
        Self {
            cache: place("XDG_CACHE_HOME", ".cache"),
            state: place("XDG_STATE_HOME", ".local/state"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_and_relative_paths_are_ignored() {
        let given = |pairs: &'static [(&str, &str)]| {
            Places::from(|name| {
                pairs
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.into())
            })
        };
        let home = given(&[("HOME", "/home/u"), ("XDG_CACHE_HOME", "here")]);
        assert_eq!(home.cache, PathBuf::from("/home/u/.cache/highwater"));
        assert_eq!(home.state, PathBuf::from("/home/u/.local/state/highwater"));
        let xdg = given(&[
            ("HOME", "/home/u"),
            ("XDG_CACHE_HOME", "/c"),
            ("XDG_STATE_HOME", "/s"),
        ]);
        assert_eq!(
            (xdg.cache, xdg.state),
            (PathBuf::from("/c/highwater"), PathBuf::from("/s/highwater"))
        );
    }
}
