//! The pipelines as commands. What is compiled is compiled once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use highwater_target::KAFKA_VERSION;
use tempfile::TempDir;

/// A command with `{bootstrap}`, `{input}`, `{output}`, `{instance}` and `{folder}` in its arguments.
pub(crate) struct Pipeline {
    pub(crate) words: Vec<String>,
    /// Kafka's jars.
    pub(crate) class_path: Option<String>,
}

/// Quick to start rather than quick to run, and no files in the temporary folder.
const JVM: [&str; 5] = [
    "java",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xmx256m",
];

static CLASSES: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().expect("a temporary folder");
    let sources = ["StreamsCopy.java", "JavaCopy.java"].map(source);
    let mut compiler = Command::new("javac");
    compiler
        .arg("-cp")
        .arg(jars())
        .arg("-d")
        .arg(dir.path())
        .args(sources);
    let compiled = compiler.status();
    let compiled = compiled.expect("javac is on the path: install openjdk-17-jdk-headless, or run ./test");
    assert!(compiled.success(), "{compiled}");
    dir
});

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/foreign/pipelines")
        .join(name)
}

/// Where `./test` puts what no package manager of the system has.
fn tool(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_highwater")).ancestors().nth(2);
    let found = target.expect("the target folder").join("tools").join(name);
    assert!(
        found.exists(),
        "{} is missing: run ./test, which installs it",
        found.display()
    );
    found
}

/// Kafka's own jars, in the cache since a Kafka was started, and those of Kafka Streams.
fn jars() -> String {
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
    assert!(
        libs.is_dir(),
        "{} is missing: run ./test, which installs it",
        libs.display()
    );
    let streams = tool(&format!(
        "kafka-streams-{KAFKA_VERSION}/kafka-streams-{KAFKA_VERSION}.jar"
    ));
    format!("{}/*:{}", libs.display(), streams.display())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn java(class: &str, arguments: &[&str]) -> Pipeline {
    Pipeline {
        words: words(&[&JVM[..], &[class], arguments].concat()),
        class_path: Some(format!("{}:{}", CLASSES.path().display(), jars())),
    }
}

/// Kafka Streams, with this processing guarantee.
pub(crate) fn streams(guarantee: &str) -> Pipeline {
    java(
        "StreamsCopy",
        &["{bootstrap}", "{input}", "{output}", guarantee, "{folder}"],
    )
}

/// A consumer and a transactional producer of the Java client.
pub(crate) fn java_copy() -> Pipeline {
    java("JavaCopy", &["{bootstrap}", "{input}", "{output}", "{instance}"])
}

/// A consumer and a producer of kafka-python.
pub(crate) fn python(how: &str) -> Pipeline {
    let python = tool("kafka-python-3.0.12/bin/python").display().to_string();
    let script = source("python_copy.py").display().to_string();
    Pipeline {
        words: words(&[&python, &script, "{bootstrap}", "{input}", "{output}", how]),
        class_path: None,
    }
}

/// Kafka Connect: a topic into a file, and the file into another topic.
pub(crate) fn connect() -> Pipeline {
    let script = source("file-connectors.sh").display().to_string();
    Pipeline {
        words: words(&[&script, "{bootstrap}", "{input}", "{output}", "{folder}"]),
        class_path: Some(jars()),
    }
}
