//! The real program on the dev broker: what a client sees, and what SIGKILL, a second instance and a zombie do to it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod faults;
mod foreign;
mod log;
mod rig;

use rig::Rig;
use serde_json::{Value, json};

#[test]
fn what_a_client_sees() {
    let rig = Rig::start();
    let bank = rig.ready("a");
    let at = || vec![bank.url.clone()];
    let send = |account: &str, verb: &str, id: &str, body: Value| rig.command(at, account, verb, id, &body);

    let (status, said) = send("alice", "deposit", "d1", json!({ "cents": 500 }));
    assert_eq!(
        (status, &said),
        (
            200,
            &json!({ "account": "alice", "request": "d1", "version": 1, "balance": 500 })
        )
    );
    send("bob", "deposit", "d2", json!({ "cents": 70 }));
    let (status, said) = send("alice", "transfer", "t1", json!({ "to": "bob", "cents": 100 }));
    assert_eq!(
        (status, &said["transfer"], &said["balance"]),
        (202, &json!("alice/t1"), &json!(400))
    );

    // The same request again: the first answer, and no second effect, even with an expected version that is gone.
    assert_eq!(
        send(
            "alice",
            "deposit",
            "d1",
            json!({ "cents": 500, "expected_version": 0 })
        )
        .1["version"],
        json!(1)
    );
    for (account, verb, id, body, status, name) in [
        (
            "alice",
            "deposit",
            "d1",
            json!({ "cents": 501 }),
            409,
            "request-reused",
        ),
        (
            "alice",
            "withdraw",
            "w1",
            json!({ "cents": 401 }),
            422,
            "insufficient-funds",
        ),
        (
            "alice",
            "withdraw",
            "w2",
            json!({ "cents": 1, "expected_version": 0 }),
            409,
            "version-conflict",
        ),
        (
            "nobody",
            "withdraw",
            "w3",
            json!({ "cents": 1 }),
            404,
            "unknown-account",
        ),
        ("alice", "deposit", "z", json!({ "cents": 0 }), 400, "no-amount"),
        (
            "alice",
            "transfer",
            "s",
            json!({ "to": "alice", "cents": 1 }),
            400,
            "same-account",
        ),
        (
            "alice",
            "transfer",
            "s",
            json!({ "cents": 1 }),
            400,
            "bad-request",
        ),
        (
            "alice",
            "deposit",
            "x",
            json!({ "cents": -1 }),
            400,
            "bad-request",
        ),
        (
            "alice",
            "deposit",
            "x",
            json!({ "cents": 1, "currency": "EUR" }),
            400,
            "bad-request",
        ),
        ("a%20b", "deposit", "x", json!({ "cents": 1 }), 400, "bad-request"),
    ] {
        let said = send(account, verb, id, body);
        assert_eq!(
            (said.0, &said.1["error"]),
            (status, &json!(name)),
            "{account} {verb} {id}: {}",
            said.1
        );
    }
    let ((status, said), _) = rig.post(
        &format!("{}/accounts/alice/deposit", bank.url),
        None,
        &json!({ "cents": 1 }),
    );
    assert_eq!(status, 400);
    assert!(said["message"].as_str().unwrap().contains("Request-Id"), "{said}");

    // Both halves: the second of alice's is her fourth event at the latest.
    let (status, bob) = rig.get(&bank, "/accounts/bob?version=2");
    assert_eq!(
        (status, &bob["balance"], &bob["version"]),
        (200, &json!(170), &json!(2))
    );
    let (_, alice) = rig.get(&bank, "/accounts/alice?version=3");
    assert_eq!((&alice["balance"], &alice["version"]), (&json!(400), &json!(3)));
    assert_eq!(rig.get(&bank, "/accounts/ghost").0, 404);
    assert_eq!(rig.get(&bank, "/accounts/alice?version=x").0, 400);

    // To an account that does not exist: the money comes back.
    send("alice", "transfer", "t2", json!({ "to": "ghost", "cents": 30 }));
    let (_, alice) = rig.get(&bank, "/accounts/alice?version=5");
    assert_eq!(alice["balance"], json!(400));
    let (_, statement) = rig.get(&bank, "/accounts/alice/statement?from=1");
    let lines: Vec<(&str, i64)> = statement["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["kind"].as_str().unwrap(), line["change"].as_i64().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            ("transfer-begun", -100),
            ("transfer-completed", 0),
            ("transfer-begun", -30),
            ("transfer-reversed", 30)
        ]
    );
    rig.at_rest(&bank, 570);

    // Made again beside, and put in place.
    let before = rig.get(&bank, "/totals");
    let ((status, _), _) = rig.post(&format!("{}/projections/rebuild", bank.url), None, &json!({}));
    assert_eq!(status, 202);
    let page = || {
        rig.get(&bank, "/metrics")
            .1
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    rig::until("made again", || page().contains("ledger_projection_generation 2"));
    assert_eq!(rig.get(&bank, "/totals"), before);
    assert!(
        page().contains("ledger_commands_total{outcome=\"done\"} 5\n"),
        "{}",
        page()
    );
    assert_eq!(rig.get(&bank, "/health").0, 200);
    assert_eq!(rig.get(&bank, "/nowhere").0, 404);
    assert!(bank.ends());
}
