use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::keeper::Keeper;

/// Two jars are enough to see one missing.
const PACKAGE: Package = Package {
    name: "Example",
    what: "Example 4.3.1",
    folder: "example-4.3.1",
    pom: "<project/>",
    needed: &JARS,
    bytes: 1 << 20,
};
/// `highwater exec-with-parent --parent PID -- COMMAND…` as a shell says it, without the tie.
const STAND_IN: &str = "shift 4; exec \"$@\"";
const JARS: [&str; 2] = ["example-server", "example-clients"];

struct Scene {
    dir: tempfile::TempDir,
    keeper: Keeper,
    interrupted: Arc<AtomicBool>,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            dir: tempfile::tempdir().unwrap(),
            keeper: Keeper::start().unwrap(),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        fs::create_dir(scene.cache()).unwrap();
        scene.script("highwater", STAND_IN);
        scene
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        // Written by another process: a file that this one has just had open for writing may not be run yet,
        // because a child that another test starts at that moment holds it open too.
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#;
        let status = Command::new("sh")
            .args(["-c", write, "sh"])
            .arg(&path)
            .arg(text)
            .status()
            .unwrap();
        assert!(status.success());
        path
    }

    /// Fetches with a shell script for Maven.
    fn fetch(&self, maven: &str) -> Result<PathBuf, TargetError> {
        let maven = self.script("mvn", maven);
        let fetcher = Fetcher {
            keeper: &self.keeper,
            highwater: &self.dir.path().join("highwater"),
            cache: &self.cache(),
            observer: &(Arc::new(|_| ()) as _),
            interrupted: &self.interrupted,
        };
        PACKAGE.fetch(fetcher, &maven)
    }

    fn left_in_cache(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }
}

/// A Maven that delivers these jars.
fn delivers(jars: &[&str]) -> String {
    let names: Vec<String> = jars.iter().map(|name| format!("libs/{name}-4.3.1.jar")).collect();
    let jar = r"PK\003\004 content PK\005\006 with its fixed fields";
    format!(
        "mkdir libs; for jar in {}; do printf '{jar}' > $jar; done",
        names.join(" ")
    )
}

#[test]
fn a_delivery_is_moved_into_place_and_found_again() {
    let scene = Scene::new();
    assert_eq!(PACKAGE.cached(&scene.cache()), None);
    let fetched = scene.fetch(&delivers(&JARS)).unwrap();
    assert_eq!(PACKAGE.cached(&scene.cache()), Some(fetched.clone()));
    assert_eq!(scene.left_in_cache(), [PACKAGE.folder]);
    fs::write(fetched.join("example-clients-4.3.1.jar"), "cut").unwrap();
    assert_eq!(PACKAGE.cached(&scene.cache()), None, "damaged since");
    let again = scene.fetch(&delivers(&JARS)).unwrap();
    assert_eq!(PACKAGE.cached(&scene.cache()), Some(again));
}

#[test]
fn a_failure_leaves_nothing_and_says_what_maven_said() {
    let scene = Scene::new();
    for (name, maven, expected) in [
        (
            "refused",
            "echo '[ERROR] no network'; echo '[INFO] bye'; exit 1",
            "[ERROR] no network",
        ),
        (
            "incomplete",
            delivers(&JARS[1..]).as_str(),
            "example-server is missing",
        ),
        ("nothing", "true", "can't read"),
    ] {
        let error = scene.fetch(maven).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert_eq!(scene.left_in_cache(), [""; 0], "{name}");
    }
}

#[test]
fn an_interrupt_ends_maven_and_leaves_nothing() {
    let scene = Scene::new();
    scene.interrupted.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let error = scene.fetch("sleep 1000").unwrap_err();
    assert!(matches!(error, TargetError::Interrupted { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(scene.left_in_cache(), [""; 0]);
}

#[test]
fn what_a_killed_installer_left_is_removed_by_the_next() {
    let scene = Scene::new();
    let remains = scene.cache().join(format!("{}abc/libs", PACKAGE.work_prefix()));
    fs::create_dir_all(&remains).unwrap();
    fs::write(scene.cache().join("somebody-elses"), "kept").unwrap();
    scene.fetch(&delivers(&JARS)).unwrap();
    let mut left = scene.left_in_cache();
    left.sort();
    assert_eq!(left, ["example-4.3.1", "somebody-elses"]);
}
