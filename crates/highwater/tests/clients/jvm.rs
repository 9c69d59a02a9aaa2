//! Java with the jars of Apache Kafka that Highwater keeps.

use std::path::{Path, PathBuf};
use std::process::Command;

use highwater_target::KAFKA_VERSION;

use crate::arm::Arm;
use crate::children::on_path;

/// Short-lived programs: quick to start rather than quick to run, and no files in the temporary folder.
const JVM: [&str; 4] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xmx256m",
];

/// `java -cp …`, to be followed by a class or a source file.
#[track_caller]
pub(crate) fn java(more_jars: &[PathBuf]) -> Command {
    let mut command = Command::new(on_path("java", "openjdk-17-jdk-headless"));
    let jars = more_jars.iter().map(|jar| jar.display().to_string());
    let class_path: Vec<String> = jars.chain([format!("{}/*", libs().display())]).collect();
    command.args(JVM).arg("-cp").arg(class_path.join(":"));
    command
}

/// Kafka's jars in the cache; they are there once the other arm has run.
#[track_caller]
pub(crate) fn libs() -> PathBuf {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").unwrap_or_else(std::env::temp_dir);
    let cache = absolute("XDG_CACHE_HOME").unwrap_or_else(|| home().join(".cache"));
    let libs = cache
        .join("highwater")
        .join(format!("kafka-{KAFKA_VERSION}/libs"));
    if !Path::new(&libs).is_dir() {
        // Whoever starts Kafka fetches it.
        drop(Arm::kafka());
    }
    libs
}
