//! The storage of a node: formatted once, recognised by its cluster id afterwards.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use super::{KafkaNode, Site, settings};
use crate::child::{how_it_ended, run_to_end};
use crate::error::TargetError;
use crate::log_tail::LogTail;
use crate::node::tied_to_parent;

/// One and a half seconds on a quiet machine.
const FORMAT_LIMIT: Duration = Duration::from_secs(120);
/// A short-lived JVM: the second compiler and the parallel collector would cost more than they give.
const SHORT_LIVED: [&str; 3] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+PerfDisableSharedMem",
];
/// `meta.properties` has four short lines.
const META_BYTES: u64 = 4096;

/// The id for a cluster whose nodes are in these folders: the one that is there, or a new one.
pub(super) fn cluster_id<'a>(mut dirs: impl Iterator<Item = &'a Path>) -> Result<String, TargetError> {
    dirs.find_map(formatted).map_or_else(new_cluster_id, Ok)
}

/// Formats the storage unless it is formatted already; gives the id of the cluster. `id`: the one to give it.
pub(super) fn ensure(site: &Site<'_>, node: &KafkaNode, id: Option<&str>) -> Result<String, TargetError> {
    if let Some(id) = formatted(&node.dir) {
        return Ok(id);
    }
    let id = id.map_or_else(new_cluster_id, |id| Ok(id.to_owned()))?;
    let log = node.dir.join("format.log");
    let mut format = node.java(&SHORT_LIVED);
    format.args([
        "kafka.tools.StorageTool",
        "format",
        "-t",
        &id,
        "-c",
        settings::FILE,
    ]);
    let name = "the formatting of Kafka's storage";
    let command = tied_to_parent(site.highwater, &format);
    let status = run_to_end(site.keeper, name, command, &log, FORMAT_LIMIT, site.interrupted)?;
    if status.success() && formatted(&node.dir).as_deref() == Some(&id) {
        return Ok(id);
    }
    let (how, log) = (how_it_ended(status), LogTail::read(&log, 0));
    Err(TargetError::EndedAtStart {
        process: name.to_owned(),
        how,
        log,
    })
}

fn formatted(dir: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(dir.join("data/meta.properties"))
        .ok()?
        .take(META_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("cluster.id="))
        .map(|id| id.trim().to_owned())
}

/// A random id as Kafka makes them: 16 bytes in URL-safe base64 without padding, not beginning with `-`.
fn new_cluster_id() -> Result<String, TargetError> {
    let source = "/dev/urandom";
    let mut bytes = [0; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(TargetError::file("read", source))?;
    // The first character is made of the first six bits; 62 would be `-`, which reads as an option.
    bytes[0] &= 0x7f;
    Ok(base64_url(&bytes))
}

fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * place)) & 0x3f;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_rfc_says() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
            (&[0xfb, 0xff], "-_8"),
        ] {
            assert_eq!(base64_url(bytes), expected);
        }
    }

    #[test]
    fn an_id_has_22_characters_and_no_leading_dash() {
        for _ in 0..200 {
            let id = new_cluster_id().unwrap();
            assert_eq!(id.len(), 22);
            assert!(!id.starts_with('-'), "{id}");
        }
    }
}
