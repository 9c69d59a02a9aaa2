//! TLS that passes as bytes: encrypted from end to end, broken on the way by network faults only.

use std::time::{Duration, Instant};

use highwater_model::history::Trouble;
use highwater_proxy::{
    BrokerTls, ClientTls, Parameters, PassListener, ProxyError, RuleSpec, Scope, Tls, Trigger,
};

use crate::certificates::Company;
use crate::client::{encrypted, leader, send};
use crate::setup::{Dev, blocking, ends, node, proxy, spoke_tls, troubles};

fn passing(upstream: std::net::SocketAddr) -> Tls {
    Tls::Passes {
        listeners: vec![PassListener {
            listen: "127.0.0.1:0".parse().unwrap(),
            upstream: node(upstream),
            node: Some(1),
        }],
    }
}

fn rule(fault: &str, scope: Scope, trigger: Trigger) -> RuleSpec {
    RuleSpec {
        name: fault.to_owned(),
        fault: fault.to_owned(),
        scope,
        trigger,
        parameters: Parameters {
            delay: Some(Duration::from_millis(100)),
            error: Some("NOT_LEADER_OR_FOLLOWER".to_owned()),
            ..Parameters::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_delayed_and_the_history_says_that_it_knows_nothing() {
    let dev = Dev::start().await;
    let company = Company::new("company");
    let certificate = company.certificate("127.0.0.1");
    let broker = proxy(
        node(dev.address),
        ends(ClientTls::Given(certificate), BrokerTls::Off),
        Vec::new(),
    )
    .await
    .unwrap();
    let to_node = Scope {
        node: Some(1),
        ..Scope::default()
    };
    let rules = vec![rule("latency", to_node, Trigger::default())];
    let through = proxy(node(broker.bootstrap()), passing(broker.bootstrap()), rules)
        .await
        .unwrap();
    assert!(through.proxy.tls().starts_with("TLS passes as bytes"));
    let (bootstrap, authority) = (through.bootstrap(), company.authority());
    let beyond = broker.bootstrap();
    blocking(move || {
        let mut connection = encrypted(bootstrap, &authority, "127.0.0.1").unwrap();
        let asked = Instant::now();
        let leader = leader(&mut connection);
        assert!(
            asked.elapsed() >= Duration::from_millis(200),
            "{:?}",
            asked.elapsed()
        );
        assert!(leader != bootstrap && leader != beyond, "the broker's own word");
        let mut second = encrypted(bootstrap, &authority, "127.0.0.1").unwrap();
        assert_eq!(send(&mut second, b"a"), Some((0, 0)));
    })
    .await;
    let (summary, events) = through.end().await;
    let troubles = troubles(&events);
    let count = |opaque: bool| {
        let kind = |trouble: &&Trouble| match trouble {
            Trouble::Opaque { .. } => opaque,
            Trouble::Bypass { .. } => !opaque,
            _ => panic!("{trouble:?}"),
        };
        troubles.iter().filter(kind).count()
    };
    assert_eq!((count(true), count(false)), (2, 1), "{troubles:?}");
    assert_eq!(spoke_tls(&events), [false; 2], "not with the proxy");
    assert!(summary.snapshot.requests.is_empty());
    assert_eq!(summary.snapshot.rules[0].fired, 2, "once for each connection");
    broker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_need_frames_are_refused() {
    let dev = Dev::start().await;
    let nothing = Scope::default;
    let of_client = Scope {
        client_id: Some("billing".to_owned()),
        ..Scope::default()
    };
    let of_topic = Scope {
        topic: Some("orders".to_owned()),
        ..Scope::default()
    };
    let nth = Trigger {
        nth: Some(3),
        ..Trigger::default()
    };
    let after = Trigger {
        after: Some(highwater_proxy::Watch {
            scope: Scope {
                apis: vec!["EndTxn".to_owned()],
                ..Scope::default()
            },
            ..highwater_proxy::Watch::default()
        }),
        ..Trigger::default()
    };
    for (name, rule, key) in [
        (
            "a frame fault",
            rule("reject", nothing(), Trigger::default()),
            "fault",
        ),
        (
            "a topic",
            rule("latency", of_topic, Trigger::default()),
            "trigger",
        ),
        ("a count", rule("latency", nothing(), nth), "trigger"),
        ("an event", rule("latency", nothing(), after), "after"),
        (
            "a client",
            rule("latency", of_client, Trigger::default()),
            "client_id",
        ),
    ] {
        let good = self::rule("latency", nothing(), Trigger::default());
        let refused = proxy(node(dev.address), passing(dev.address), vec![good, rule]).await;
        match refused.err() {
            Some(ProxyError::Rule { at: 1, source }) => {
                assert_eq!(source.key, key, "{name}");
                assert!(source.message.contains("while TLS passes as bytes"), "{source}");
                assert!(source.help.contains("--tls-ca"), "{}", source.help);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
