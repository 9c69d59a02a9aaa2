//! TLS that ends at the proxy: what rules do and what the history says is the same as without.

use std::io::ErrorKind;
use std::path::PathBuf;

use highwater_model::history::{HistoryBody, ResponseFate};
use highwater_proxy::{BrokerTls, ClientTls, Parameters, RuleSpec, Scope, Trigger, Trust};
use highwater_wire::WireError;
use tempfile::TempDir;

use crate::certificates::Company;
use crate::client::{encrypted, leader, plain, send, try_send};
use crate::setup::{Dev, blocking, ends, node, on, proxy, spoke_tls};

fn second_produce(fault: &str) -> RuleSpec {
    RuleSpec {
        name: fault.to_owned(),
        fault: fault.to_owned(),
        scope: Scope {
            apis: vec!["Produce".to_owned()],
            ..Scope::default()
        },
        trigger: Trigger {
            nth: Some(2),
            ..Trigger::default()
        },
        parameters: Parameters::default(),
    }
}

fn made(dir: &TempDir) -> (ClientTls, PathBuf) {
    let authority = dir.path().join("proxy-ca.pem");
    let tls = ClientTls::Made {
        authority: authority.clone(),
    };
    (tls, authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_takes_effect_with_tls_on_both_sides() {
    let dev = Dev::start().await;
    let company = Company::new("company");
    let certificate = company.certificate("127.0.0.1");
    let brokers = ends(ClientTls::Given(certificate), BrokerTls::Off);
    let broker = proxy(node(dev.address), brokers, Vec::new()).await.unwrap();

    let dir = TempDir::new().unwrap();
    let (clients, authority) = made(&dir);
    let tls = ends(clients, on(Trust::Authorities(company.authority())));
    let rules = vec![second_produce("drop-ack")];
    let through = proxy(node(broker.bootstrap()), tls, rules).await.unwrap();
    assert_eq!(
        through.proxy.tls(),
        "TLS with clients ends at the proxy and is opened again to the brokers"
    );
    let bootstrap = through.bootstrap();
    blocking(move || {
        let mut first = encrypted(bootstrap, &authority, "127.0.0.1").unwrap();
        let leader = leader(&mut first);
        assert_ne!(leader, bootstrap);
        // More than a socket takes at once.
        let large = vec![7; 900 << 10];
        let mut connection = encrypted(leader, &authority, "127.0.0.1").unwrap();
        assert_eq!(send(&mut connection, &large), Some((0, 0)));
        assert_eq!(send(&mut connection, b"lost answer"), None);
        let mut again = encrypted(leader, &authority, "localhost").unwrap();
        assert_eq!(send(&mut again, b"c"), Some((0, 2)));
    })
    .await;
    let (summary, events) = through.end().await;
    assert_eq!(summary.snapshot.troubles, []);
    assert_eq!(spoke_tls(&events), [true; 3]);
    let discarded = events.iter().filter(|event| {
        matches!(
            &event.body,
            HistoryBody::Response {
                fate: ResponseFate::Discarded,
                ..
            }
        )
    });
    assert_eq!(discarded.count(), 1);
    broker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_chooses_for_itself() {
    let dev = Dev::start().await;
    let dir = TempDir::new().unwrap();
    let (clients, authority) = made(&dir);
    let broker = proxy(node(dev.address), ends(clients, BrokerTls::Off), Vec::new())
        .await
        .unwrap();
    for (trust, words) in [
        (
            Trust::Authorities(authority),
            "plaintext with clients, TLS with brokers",
        ),
        (
            Trust::Insecure,
            "plaintext with clients, TLS with brokers that nobody vouches for",
        ),
    ] {
        let tls = ends(ClientTls::Off, on(trust));
        let through = proxy(node(broker.bootstrap()), tls, Vec::new()).await.unwrap();
        let bootstrap = through.bootstrap();
        blocking(move || {
            let leader = leader(&mut plain(bootstrap));
            assert!(send(&mut plain(leader), b"a").is_some_and(|(error, _)| error == 0));
        })
        .await;
        let (summary, events) = through.end().await;
        assert_eq!(summary.tls, words);
        assert_eq!(spoke_tls(&events), [false; 2], "{words}");
    }
    broker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_below_tls_is_a_reset() {
    let dev = Dev::start().await;
    let dir = TempDir::new().unwrap();
    let (clients, authority) = made(&dir);
    let tls = ends(clients, BrokerTls::Off);
    let through = proxy(node(dev.address), tls, vec![second_produce("reset")])
        .await
        .unwrap();
    let bootstrap = through.bootstrap();
    blocking(move || {
        let mut first = encrypted(bootstrap, &authority, "127.0.0.1").unwrap();
        let leader = leader(&mut first);
        let mut connection = encrypted(leader, &authority, "127.0.0.1").unwrap();
        assert_eq!(send(&mut connection, b"a"), Some((0, 0)));
        match try_send(&mut connection, b"b") {
            Err(WireError::Io { source, .. }) => assert_eq!(source.kind(), ErrorKind::ConnectionReset),
            other => panic!("{other:?}"),
        }
    })
    .await;
    through.end().await;
}
