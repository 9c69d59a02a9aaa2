//! Are the jars all there and whole? Looks at their frame only; what is in them was checked against
//! its checksum by Maven.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A jar ends with a record of at least this size (PKWARE APPNOTE 4.3.16), marked by [`END`].
const END_BYTES: u64 = 22;
const END: &[u8] = b"PK\x05\x06";
/// That record may be followed by a comment; jars have none or a short one.
const END_SEARCH_BYTES: u64 = 4096;

/// Checks a folder of jars. Gives the manifest, a line of size and name for each, or what is wrong.
pub(super) fn check(libs: &Path, needed: &[&str]) -> io::Result<Result<String, String>> {
    let mut names = names(libs)?;
    names.sort();
    for needed in needed {
        if !names.iter().any(|name| {
            name.strip_prefix(needed)
                .is_some_and(|rest| rest.starts_with('-'))
        }) {
            return Ok(Err(format!("{needed} is missing")));
        }
    }
    let mut manifest = String::new();
    for name in names {
        match size_of_whole(&libs.join(&name))? {
            Some(size) => manifest.push_str(&format!("{size} {name}\n")),
            None => return Ok(Err(format!("{name} is damaged"))),
        }
    }
    Ok(Ok(manifest))
}

/// True if every jar of a manifest is there in its size.
pub(super) fn agree(libs: &Path, manifest: &str) -> bool {
    let there = |line: &str| {
        let (size, name) = line.split_once(' ')?;
        let found = fs::metadata(libs.join(name)).ok()?;
        Some(size.parse() == Ok(found.len()))
    };
    !manifest.is_empty() && manifest.lines().all(|line| there(line) == Some(true))
}

/// The names of the jars in a folder, in no order.
pub(crate) fn names(libs: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(libs)?.filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| name.ends_with(".jar")).collect())
}

/// The size of a jar, if it has the beginning and the end of one.
fn size_of_whole(path: &Path) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size < END_BYTES {
        return Ok(None);
    }
    let mut start = [0; 2];
    file.read_exact(&mut start)?;
    file.seek(SeekFrom::Start(size.saturating_sub(END_SEARCH_BYTES)))?;
    let mut end = Vec::new();
    file.take(END_SEARCH_BYTES).read_to_end(&mut end)?;
    let whole = &start == b"PK" && end.windows(END.len()).any(|window| window == END);
    Ok(whole.then_some(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [&str; 2] = ["kafka-clients", "kafka-tools"];
    const SMALL_JAR: &[u8] = b"PK\x03\x04 some content that is longer than the end PK\x05\x06 and its fields";

    fn folder() -> tempfile::TempDir {
        let libs = tempfile::tempdir().unwrap();
        for name in NEEDED {
            fs::write(libs.path().join(format!("{name}-4.3.1.jar")), SMALL_JAR).unwrap();
        }
        libs
    }

    #[test]
    fn a_manifest_agrees_with_its_folder_until_a_jar_is_cut_or_gone() {
        let libs = folder();
        let manifest = check(libs.path(), &NEEDED).unwrap().unwrap();
        assert_eq!(manifest.lines().count(), NEEDED.len());
        assert!(agree(libs.path(), &manifest));
        for nonsense in ["", "\n", "12", "x kafka-clients-4.3.1.jar"] {
            assert!(!agree(libs.path(), nonsense), "{nonsense:?}");
        }
        let jar = libs.path().join("kafka-clients-4.3.1.jar");
        fs::write(&jar, &SMALL_JAR[..30]).unwrap();
        assert!(!agree(libs.path(), &manifest), "cut");
        fs::remove_file(&jar).unwrap();
        assert!(!agree(libs.path(), &manifest), "gone");
    }

    #[test]
    fn missing_and_damaged_jars_are_named() {
        let libs = folder();
        let jar = libs.path().join("kafka-tools-4.3.1.jar");
        for (name, content) in [
            ("cut", &SMALL_JAR[..40]),
            ("empty", b""),
            ("a web page", b"<html> PK\x05\x06 and no jar at all"),
        ] {
            fs::write(&jar, content).unwrap();
            assert_eq!(
                check(libs.path(), &NEEDED).unwrap(),
                Err("kafka-tools-4.3.1.jar is damaged".to_owned()),
                "{name}"
            );
        }
        fs::remove_file(&jar).unwrap();
        assert_eq!(
            check(libs.path(), &NEEDED).unwrap(),
            Err("kafka-tools is missing".to_owned())
        );
    }
}
