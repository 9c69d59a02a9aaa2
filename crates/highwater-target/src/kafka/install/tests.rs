use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::keeper::Keeper;

/// `highwater exec-with-parent --parent PID -- COMMAND…` as a shell says it, without the tie.
const STAND_IN: &str = "shift 4; exec \"$@\"";
const JARS: [&str; 6] = [
    "kafka_2.13",
    "kafka-clients",
    "kafka-tools",
    "connect-runtime",
    "connect-file",
    "log4j-slf4j-impl",
];

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
    fn fetch(&self, maven: &str) -> Result<Installation, TargetError> {
        let maven = self.script("mvn", maven);
        let site = Site {
            keeper: &self.keeper,
            highwater: &self.dir.path().join("highwater"),
            kafka_home: None,
            cache: self.cache(),
            observer: &(Arc::new(|_| ()) as _),
            interrupted: &self.interrupted,
        };
        fetch(&site, &maven)
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
fn the_pom_and_the_name_of_the_folder_agree_on_the_version() {
    assert!(POM.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
    assert!(WHAT.ends_with(KAFKA_VERSION));
}

#[test]
fn a_delivery_is_moved_into_place_and_found_again() {
    let scene = Scene::new();
    assert_eq!(cached(&scene.cache()), None);
    let fetched = scene.fetch(&delivers(&JARS)).unwrap();
    assert_eq!(cached(&scene.cache()), Some(fetched.clone()));
    assert_eq!(scene.left_in_cache(), [folder()]);
    fs::write(fetched.libs.join("kafka-clients-4.3.1.jar"), "cut").unwrap();
    assert_eq!(cached(&scene.cache()), None, "damaged since");
    let again = scene.fetch(&delivers(&JARS)).unwrap();
    assert_eq!(cached(&scene.cache()), Some(again));
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
            "kafka_2.13 is missing",
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
    let remains = scene.cache().join(format!("{}abc/libs", work_prefix()));
    fs::create_dir_all(&remains).unwrap();
    fs::write(scene.cache().join("somebody-elses"), "kept").unwrap();
    scene.fetch(&delivers(&JARS)).unwrap();
    let mut left = scene.left_in_cache();
    left.sort();
    assert_eq!(left, [folder(), "somebody-elses".to_owned()]);
}

#[test]
fn a_home_is_told_by_its_jars() {
    let home = tempfile::tempdir().unwrap();
    let error = Installation::at_home(home.path()).unwrap_err();
    assert!(error.to_string().contains("no folder `libs`"), "{error}");
    fs::create_dir(home.path().join("libs")).unwrap();
    let error = Installation::at_home(home.path()).unwrap_err();
    assert!(error.to_string().contains("kafka_2.13-VERSION.jar"), "{error}");
    fs::write(home.path().join("libs/kafka_2.13-3.9.0-javadoc.jar"), "").unwrap();
    fs::write(home.path().join("libs/kafka_2.13-3.9.0.jar"), "").unwrap();
    assert_eq!(Installation::at_home(home.path()).unwrap().version, "3.9.0");
}
