//! PostgreSQL, Kafka Connect and Debezium really started, broken and started again. Where one of them is missing,
//! these tests are skipped and say so; with `HIGHWATER_REQUIRE_KAFKA=1` they fail instead.

#![expect(clippy::unwrap_used, reason = "a test that can't look fails")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_model::ProcessRole;
use highwater_target::{
    CdcError, CdcNames, Connect, ConnectOptions, ConnectorPlan, FindingState, Postgres, PostgresOptions,
    Target, TargetError, TargetOptions, TargetSpec, examine,
};

const PROBE: &str = env!("CARGO_BIN_EXE_highwater-target-probe");
/// For things that take a moment on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn can_run(test: &str, needed: &[&str]) -> bool {
    let findings = examine();
    let present = |name: &str| {
        findings
            .iter()
            .any(|one| one.name == name && one.state == FindingState::Present)
    };
    let missing: Vec<_> = needed.iter().filter(|name| !present(name)).collect();
    if !missing.is_empty() {
        assert!(
            std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
            "{test}: missing: {missing:?}"
        );
        eprintln!("skipped: {test}: missing: {missing:?}");
    }
    missing.is_empty()
}

fn options(dir: &Path) -> PostgresOptions {
    PostgresOptions {
        dir: dir.to_owned(),
        highwater: PathBuf::from(PROBE),
        binaries: None,
        port: None,
        settings: Vec::new(),
        observer: Arc::new(|event| eprintln!("{event:?}")),
        interrupted: Arc::new(AtomicBool::new(false)),
    }
}

/// Processes that work somewhere below a folder.
fn working_in(dir: &Path) -> Vec<i32> {
    let processes = procfs::process::all_processes().unwrap().filter_map(Result::ok);
    let here = processes.filter(|process| {
        let ended = || process.stat().is_ok_and(|stat| matches!(stat.state, 'Z' | 'X'));
        process.cwd().is_ok_and(|cwd| cwd.starts_with(dir)) && !ended()
    });
    here.map(|process| process.pid).collect()
}

/// The data directory, as the server itself tells.
fn data_dir(database: &Postgres) -> PathBuf {
    let row = database
        .client(None)
        .unwrap()
        .query_one("SHOW data_directory", &[])
        .unwrap();
    PathBuf::from(row.get::<_, String>(0))
}

fn exists(pid: u32) -> bool {
    let stat = procfs::process::Process::new(pid as i32).and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.state != 'Z')
}

fn await_true(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn postgres_keeps_its_rows_through_a_kill_a_stop_and_a_pause() {
    if !can_run(
        "postgres_keeps_its_rows_through_a_kill_a_stop_and_a_pause",
        &["PostgreSQL"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut database = Postgres::start(&options(dir.path())).unwrap();
    let (address, data) = (database.address(), data_dir(&database));
    let mut client = database.client(None).unwrap();
    client
        .batch_execute("CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1)")
        .unwrap();
    let watched = database.as_part().processes();
    assert_eq!((watched.len(), watched[0].role), (1, ProcessRole::Database));
    let halted = database.part().pause().unwrap();
    assert!(halted.proof.contains("is halted"), "{}", halted.proof);
    let states = |wanted: char| {
        working_in(&data)
            .iter()
            .all(|pid| procfs::process::Process::new(*pid).unwrap().stat().unwrap().state == wanted)
    };
    assert!(states('T'), "its other processes are halted too");
    database.part().resume().unwrap();
    client.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    let killed = database.part().kill().unwrap();
    assert_eq!(killed.signal, Some(9));
    assert_eq!(working_in(&data), [0; 0], "its other processes went with it");
    assert!(client.simple_query("SELECT 1").is_err());
    assert!(database.part().died().is_none(), "killed is not died");
    database.part().start_again().unwrap();
    let stopped = database.part().stop(PATIENCE).unwrap();
    assert!(
        stopped.proof.contains("exit code 0") && stopped.proof.contains("after SIGINT"),
        "{}",
        stopped.proof
    );
    database.part().start_again().unwrap();
    assert_eq!(database.address(), address);
    let rows: i64 = database
        .client(None)
        .unwrap()
        .query_one("SELECT count(*) FROM t", &[])
        .unwrap()
        .get(0);
    assert_eq!(rows, 2);
    drop(database);
    assert_eq!(working_in(&data), [0; 0]);
    // As root the data were outside the folder of the run, and went; otherwise they go with that folder.
    assert_eq!(
        data.exists(),
        data.starts_with(dir.path().canonicalize().unwrap())
    );
}

#[test]
fn what_keeps_postgres_from_capturing_is_named_with_its_remedy() {
    if !can_run(
        "what_keeps_postgres_from_capturing_is_named_with_its_remedy",
        &["PostgreSQL"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut given = options(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port();
    given.port = Some(taken);
    let error = Postgres::start(&given).err().unwrap();
    assert!(
        matches!(error, TargetError::PortTaken { port } if port == taken),
        "{error}"
    );
    given = options(dir.path());
    given.binaries = Some(dir.path().to_owned());
    let error = Postgres::start(&given).err().unwrap();
    assert!(
        matches!(error, TargetError::Cdc(CdcError::PostgresMissing { .. })),
        "{error}"
    );
    given = options(&dir.path().join("wrong"));
    given.settings = vec![("shared_buffers".to_owned(), "plenty".to_owned())];
    let error = Postgres::start(&given).err().unwrap().to_string();
    assert!(
        error.contains("ended before it was ready") && error.contains("plenty"),
        "{error}"
    );
    given = options(&dir.path().join("replica"));
    given.settings = vec![("wal_level".to_owned(), "replica".to_owned())];
    let database = Postgres::start(&given).unwrap();
    let error = database.check(&CdcNames::of_run("r1")).unwrap_err();
    assert!(
        matches!(&error, CdcError::NoLogicalDecoding { found, .. } if found == "replica"),
        "{error}"
    );
    assert!(error.remedy().unwrap().contains("wal_level = logical"));
}

#[test]
fn a_slot_of_an_earlier_run_is_named_and_left_alone() {
    if !can_run(
        "a_slot_of_an_earlier_run_is_named_and_left_alone",
        &["PostgreSQL"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::start(&options(dir.path())).unwrap();
    let (earlier, names) = (CdcNames::of_run("earlier"), CdcNames::of_run("r2"));
    let mut client = database.client(None).unwrap();
    let make = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')::text";
    client.query(make, &[&earlier.slot]).unwrap();
    client
        .batch_execute(&format!(
            "CREATE PUBLICATION {} FOR ALL TABLES",
            names.publication
        ))
        .unwrap();
    let error = database.check(&earlier).unwrap_err();
    assert!(
        matches!(&error, CdcError::SlotLeftOver { slot, active: false, .. } if *slot == earlier.slot),
        "{error}"
    );
    assert!(
        error
            .remedy()
            .unwrap()
            .contains("pg_drop_replication_slot('highwater_earlier')")
    );
    let error = database.check(&names).unwrap_err();
    assert!(matches!(error, CdcError::PublicationLeftOver { .. }), "{error}");
    client.query(make, &[&names.slot]).unwrap();
    database.remove(&names).unwrap();
    database.check(&names).unwrap();
    assert!(
        database.slot(&earlier.slot).unwrap().is_some(),
        "that of the earlier run is still there"
    );
    assert_eq!(database.slot(&names.slot).unwrap(), None);
    database.remove(&names).unwrap();
}

#[test]
fn a_killed_highwater_leaves_no_process_and_no_file_of_postgres() {
    if !can_run(
        "a_killed_highwater_leaves_no_process_and_no_file_of_postgres",
        &["PostgreSQL"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new(PROBE)
        .arg("hold-postgres")
        .arg(dir.path().join("run"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let data = PathBuf::from(line.trim());
    assert!(!working_in(&data).is_empty(), "it runs in {line}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    await_true("its processes are gone", || working_in(&data).is_empty());
    let inside = data.starts_with(dir.path().canonicalize().unwrap());
    await_true("its folder is gone", || {
        inside || !data.parent().unwrap().exists()
    });
}

#[test]
fn a_row_arrives_in_the_topic_also_after_the_worker_was_killed() {
    if !can_run(
        "a_row_arrives_in_the_topic_also_after_the_worker_was_killed",
        &["PostgreSQL", "Java", "Maven"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let interrupted = Arc::new(AtomicBool::new(false));
    let kafka = Target::start(
        &TargetSpec::Kafka,
        TargetOptions {
            dir: dir.path().join("kafka"),
            highwater: PathBuf::from(PROBE),
            bugs: Vec::new(),
            kafka_home: None,
            observer: Arc::new(|event| eprintln!("{event:?}")),
            interrupted: Arc::clone(&interrupted),
        },
    )
    .unwrap();
    let database = Postgres::start(&options(&dir.path().join("postgres"))).unwrap();
    let names = CdcNames::of_run("test-1");
    let mut connect = Connect::start(&ConnectOptions {
        dir: dir.path().join("connect"),
        highwater: PathBuf::from(PROBE),
        kafka_home: None,
        bootstrap: kafka.bootstrap().to_owned(),
        replicas: 1,
        names: names.clone(),
        port: None,
        properties: Vec::new(),
        observer: Arc::new(|event| eprintln!("{event:?}")),
        interrupted: Arc::clone(&interrupted),
    })
    .unwrap();
    let rest = connect.rest();
    let mut client = database.client(None).unwrap();
    client
        .batch_execute("CREATE TABLE users (id int PRIMARY KEY, name text); ALTER TABLE users REPLICA IDENTITY FULL; INSERT INTO users VALUES (1, 'a')")
        .unwrap();
    let mut plan = ConnectorPlan {
        names: names.clone(),
        tables: vec!["users".to_owned()],
        partitions: 1,
        replicas: 1,
        settings: vec![("plugin.name".to_owned(), "no-such-plugin".to_owned())],
    };
    let error = rest
        .register(&names.connector, &plan.config(&database))
        .unwrap_err();
    assert!(
        matches!(error, CdcError::ConnectRefused { status: 400, .. }),
        "{error}"
    );
    assert!(matches!(
        rest.status(&names.connector),
        Err(CdcError::NoSuchConnector { .. })
    ));
    plan.settings.clear();
    database.check(&names).unwrap();
    rest.register(&names.connector, &plan.config(&database)).unwrap();
    rest.await_running(&names.connector, PATIENCE, &interrupted)
        .unwrap();
    let error = rest
        .register(&names.connector, &plan.config(&database))
        .unwrap_err();
    assert!(matches!(error, CdcError::ConnectorExists { .. }), "{error}");
    let flushed = || {
        rest.offsets(&names.connector)
            .is_ok_and(|offsets| !offsets.is_empty())
    };
    await_true("the offset of the snapshot is flushed", flushed);
    let before = Instant::now();
    assert_eq!(connect.part().kill().unwrap().signal, Some(9));
    client.execute("INSERT INTO users VALUES (2, 'b')", &[]).unwrap();
    connect.part().start_again().unwrap();
    rest.await_running(&names.connector, PATIENCE, &interrupted)
        .unwrap();
    eprintln!("runs again {:?} after the kill", before.elapsed());
    let lag = || database.slot(&names.slot).unwrap().unwrap();
    await_true("the slot is read", || lag().active);
    client
        .execute("UPDATE users SET name = 'c' WHERE id = 2", &[])
        .unwrap();
    await_true("the topic has three changes", || {
        end_of(&kafka, &names.topic("users")) >= 3
    });
    rest.delete(&names.connector).unwrap();
    database.remove(&names).unwrap();
    database.check(&names).unwrap();
    let mut gone = connect.as_part().processes();
    gone.extend(kafka.processes());
    drop((connect, database, kafka));
    for process in gone {
        assert!(!exists(process.pid), "{}", process.name);
    }
}

#[test]
fn what_stays_works_by_itself_and_is_ended_without_a_trace() {
    if !can_run(
        "what_stays_works_by_itself_and_is_ended_without_a_trace",
        &["PostgreSQL", "Java", "Maven"],
    ) {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let command = |what: &str| {
        let output = Command::new(PROBE)
            .arg(what)
            .env("XDG_STATE_HOME", state.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{what}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let up = command("up-cdc");
    let (words, told) = up.split_once(' ').unwrap();
    assert_eq!(told, "started\n");
    let pids: Vec<u32> = words.split(',').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 3, "Kafka, PostgreSQL and Connect");
    assert!(pids.iter().all(|pid| exists(*pid)), "{pids:?}");
    assert_eq!(command("up-cdc"), format!("{words} runs already\n"));
    let record = state.path().join("highwater/cdc.json");
    let mode = std::fs::metadata(&record).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the password in it is for this user alone");
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    let folders: Vec<PathBuf> = serde_json::from_value(record["remove"].clone()).unwrap();
    assert!(folders.iter().all(|dir| dir.exists()), "{folders:?}");
    assert_eq!(command("down"), format!("{words} ended\n"));
    await_true("all have ended", || !pids.iter().any(|pid| exists(*pid)));
    assert!(folders.iter().all(|dir| !dir.exists()), "{folders:?}");
    assert_eq!(command("down"), "nothing\n");
}

/// The number of records in the only partition of a topic.
fn end_of(kafka: &Target, topic: &str) -> i64 {
    use highwater_wire::Connection;
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use kafka_protocol::messages::{ListOffsetsRequest, TopicName};

    let address = kafka.bootstrap().parse().unwrap();
    let mut connection = Connection::open(address, PATIENCE).unwrap();
    let end = -1;
    let partition = ListOffsetsPartition::default()
        .with_partition_index(0)
        .with_timestamp(end);
    let name = TopicName(topic.to_owned().into());
    let asked = ListOffsetsTopic::default()
        .with_name(name)
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![asked]);
    let answer = connection.call(&request, 1).unwrap();
    answer.topics[0].partitions[0].offset
}
