use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use super::*;

/// Answers one question after the other with what is given, and tells what was asked.
fn worker(answers: Vec<(u16, String)>) -> (SocketAddrV4, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
        panic!("not an address of IPv4");
    };
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !whole(&request) {
                let read = stream.read(&mut part).unwrap();
                assert!(read > 0, "the question was cut");
                request.extend_from_slice(&part[..read]);
            }
            let text = String::from_utf8(request).unwrap();
            asked.push(text.lines().next().unwrap().to_owned());
            let head = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            // Whoever has read enough hangs up.
            let _ = stream.write_all(body.as_bytes());
        }
        asked
    });
    (address, thread)
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn once<T>(status: u16, body: &str, ask: impl FnOnce(ConnectRest) -> T) -> (T, String) {
    let (address, thread) = worker(vec![(status, body.to_owned())]);
    let answer = ask(ConnectRest::at(address));
    (answer, thread.join().unwrap().remove(0))
}

const TRACE: &str = "org.apache.kafka.connect.errors.ConnectException: no slot\\n\\tat a.b.C(C.java:1)\\nCaused by: x: taken\\n\\t... 7 more\\n";

#[test]
fn a_connector_runs_when_it_and_its_tasks_run() {
    let of = |own: &str, tasks: &str| {
        format!(
            r#"{{"name":"c","connector":{{"state":"{own}","worker_id":"w"}},"tasks":[{tasks}],"type":"source"}}"#
        )
    };
    let task = |state: &str| format!(r#"{{"id":0,"state":"{state}","worker_id":"w","trace":"{TRACE}"}}"#);
    for (name, body, running, failed) in [
        ("all run", of("RUNNING", &task("RUNNING")), true, false),
        ("no task yet", of("RUNNING", ""), false, false),
        ("task failed", of("RUNNING", &task("FAILED")), false, true),
        ("paused", of("PAUSED", &task("PAUSED")), false, false),
        ("new state", of("DREAMING", &task("RUNNING")), false, false),
    ] {
        let (status, asked) = once(200, &body, |rest| rest.status("c").unwrap());
        assert_eq!(asked, "GET /connectors/c/status HTTP/1.1");
        assert_eq!(
            (status.is_running(), status.failure().is_some()),
            (running, failed),
            "{name}"
        );
        if let Some(trace) = status.failure() {
            assert_eq!(
                trace,
                [
                    "org.apache.kafka.connect.errors.ConnectException: no slot",
                    "Caused by: x: taken"
                ]
            );
        }
    }
}

#[test]
fn what_is_refused_is_told_in_the_workers_words() {
    let config = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let refused =
        r#"{"error_code":400,"message":"Connector configuration is invalid:\nThe 'slot.name' is wrong\n"}"#;
    let (error, asked) = once(400, refused, |rest| rest.register("c", &config).unwrap_err());
    assert_eq!(asked, "POST /connectors HTTP/1.1");
    let text = error.to_string();
    assert!(
        text.contains("is invalid:; The 'slot.name' is wrong (HTTP 400)"),
        "{text}"
    );
    let exists = r#"{"error_code":409,"message":"Connector c already exists"}"#;
    let (error, _) = once(409, exists, |rest| rest.register("c", &config).unwrap_err());
    assert!(matches!(error, CdcError::ConnectorExists { .. }), "{error}");
    let (error, _) = once(500, "<html>boom</html>", |rest| rest.connectors().unwrap_err());
    assert!(
        error.to_string().contains("<html>boom</html> (HTTP 500)"),
        "{error}"
    );
    let (error, _) = once(404, "", |rest| rest.status("c").unwrap_err());
    assert!(matches!(error, CdcError::NoSuchConnector { .. }), "{error}");
    let (gone, asked) = once(404, "", |rest| rest.delete("c"));
    assert!(
        gone.is_ok() && asked.starts_with("DELETE /connectors/c "),
        "{asked}"
    );
}

#[test]
fn a_busy_worker_is_asked_again() {
    let busy =
        r#"{"error_code":409,"message":"Cannot complete request momentarily due to stale configuration"}"#;
    let (address, thread) = worker(vec![(409, busy.to_owned()), (204, String::new())]);
    ConnectRest::at(address).delete("c").unwrap();
    assert_eq!(thread.join().unwrap().len(), 2);
}

#[test]
fn nonsense_silence_and_endless_answers_are_errors() {
    let (error, _) = once(200, "[1, 2", |rest| rest.connectors().unwrap_err());
    assert!(error.to_string().contains("not understood"), "{error}");
    let endless = format!("[\"{}\"]", "x".repeat(ANSWER_BYTES as usize));
    let (error, _) = once(200, &endless, |rest| rest.connectors().unwrap_err());
    assert!(matches!(error, CdcError::ConnectUnreachable { .. }), "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let SocketAddr::V4(address) = closed.local_addr().unwrap() else {
        panic!("not an address of IPv4");
    };
    drop(closed);
    let error = ConnectRest::at(address).connectors().unwrap_err();
    assert!(matches!(error, CdcError::ConnectUnreachable { .. }), "{error}");
    assert!(error.remedy().is_some());
    for name in ["", "a/b", "a b", "a?b", "é"] {
        let error = ConnectRest::at(address).status(name).unwrap_err();
        assert!(matches!(error, CdcError::BadConnectorName { .. }), "{name}");
    }
}

#[test]
fn a_connector_that_failed_or_never_runs_is_told() {
    let calm = AtomicBool::new(false);
    let failed = format!(r#"{{"connector":{{"state":"FAILED","trace":"{TRACE}"}},"tasks":[]}}"#);
    let (error, _) = once(200, &failed, |rest| {
        rest.await_running("c", GLANCE, &calm).unwrap_err()
    });
    assert!(
        error.to_string().contains("`c` has failed\n    org.apache"),
        "{error}"
    );
    let waiting = r#"{"connector":{"state":"UNASSIGNED"},"tasks":[]}"#;
    let (error, _) = once(200, waiting, |rest| {
        rest.await_running("c", Duration::ZERO, &calm).unwrap_err()
    });
    assert!(
        error.to_string().contains("it is Unassigned with 0 tasks"),
        "{error}"
    );
}

#[test]
fn offsets_are_given_as_the_connector_writes_them() {
    let body = r#"{"offsets":[{"partition":{"server":"p"},"offset":{"lsn":23456,"txId":7}}]}"#;
    let (offsets, asked) = once(200, body, |rest| rest.offsets("c").unwrap());
    assert_eq!(asked, "GET /connectors/c/offsets HTTP/1.1");
    assert_eq!(offsets[0].offset["lsn"], 23_456);
    assert!(
        once(200, r#"{"offsets":[]}"#, |rest| rest.offsets("c").unwrap())
            .0
            .is_empty()
    );
}
