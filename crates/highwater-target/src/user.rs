//! Another user of the system, for servers that refuse to run as root.
//!
//! Invariant: root is given up for good and with all its groups before the other program begins.

use std::fmt;
use std::fs;
use std::str::FromStr;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::error::TargetError;

/// A user by number, written `UID:GID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemUser {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl SystemUser {
    /// The user of this name, if the machine has one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        find(&fs::read_to_string("/etc/passwd").ok()?, name)
    }

    /// Turns this thread, and with it whatever program it becomes, into that user.
    pub(crate) fn become_it(self) -> Result<(), TargetError> {
        let failed = |errno: rustix::io::Errno| TargetError::Process {
            action: "change the user of",
            process: "this process".to_owned(),
            source: errno.into(),
        };
        set_thread_groups(&[]).map_err(failed)?;
        set_thread_gid(Gid::from_raw(self.gid)).map_err(failed)?;
        set_thread_uid(Uid::from_raw(self.uid)).map_err(failed)
    }
}

/// True if this process is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl fmt::Display for SystemUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

impl FromStr for SystemUser {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(':');
        let numbers = numbers.and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
        let (uid, gid) = numbers.ok_or("a user is written UID:GID")?;
        Ok(Self { uid, gid })
    }
}

/// Lines of passwd(5): name, password, uid, gid, more.
fn find(passwd: &str, name: &str) -> Option<SystemUser> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(SystemUser { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name_and_reads_back_as_written() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:5:6::/:/bin/sh\npostgres:x:101:104:a,b:/:/bin/bash\n";
        let user = find(passwd, "postgres").unwrap();
        assert_eq!(user, SystemUser { uid: 101, gid: 104 });
        assert_eq!(user.to_string().parse(), Ok(user));
        assert_eq!(find(passwd, "nobody"), None);
        assert_eq!(find("postgres:x:many:1", "postgres"), None);
        for wrong in ["", "1", "a:b", "1:2:3"] {
            assert!(wrong.parse::<SystemUser>().is_err(), "{wrong}");
        }
    }
}
