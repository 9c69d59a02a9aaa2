//! Whoever is not trusted, or speaks something else, is told so.

use std::net::SocketAddr;
use std::path::PathBuf;

use highwater_model::history::NodeAddress;
use highwater_proxy::{BrokerTls, Certificate, ClientTls, ProxyError, TlsError, Trust};
use tempfile::TempDir;

use crate::certificates::Company;
use crate::client::{encrypted, plain};
use crate::setup::{Behind, Dev, blocking, ends, node, on, proxy, reasons};

async fn broker(dev: &Dev, certificate: Certificate) -> Behind {
    let tls = ends(ClientTls::Given(certificate), BrokerTls::Off);
    proxy(node(dev.address), tls, Vec::new()).await.unwrap()
}

async fn refused(upstream: NodeAddress, brokers: BrokerTls) -> (String, String) {
    let error = proxy(upstream, ends(ClientTls::Off, brokers), Vec::new())
        .await
        .err()
        .unwrap();
    (error.to_string(), error.help().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_can_not_be_trusted_are_named_with_a_remedy() {
    let dev = Dev::start().await;
    let (company, stranger) = (Company::new("company"), Company::new("stranger"));
    let good = broker(&dev, company.certificate("127.0.0.1")).await;
    let expired = broker(&dev, company.expired("127.0.0.1")).await;
    let elsewhere = broker(&dev, company.certificate("broker.example")).await;
    let trust = || on(Trust::Authorities(company.authority()));
    let foreign = on(Trust::Authorities(stranger.authority()));
    for (name, upstream, brokers, says, helps) in [
        (
            "unknown authority",
            good.bootstrap(),
            foreign,
            "an authority that is not trusted",
            "--upstream-ca",
        ),
        ("expired", expired.bootstrap(), trust(), "has expired", "insecure"),
        (
            "another name",
            elsewhere.bootstrap(),
            trust(),
            "for another name",
            "insecure",
        ),
        (
            "plaintext there",
            dev.address,
            trust(),
            "no TLS with what listens at",
            "--upstream-tls off",
        ),
        (
            "plaintext here",
            good.bootstrap(),
            BrokerTls::Off,
            "speaks TLS",
            "--upstream-tls on",
        ),
    ] {
        let (message, help) = refused(node(upstream), brokers).await;
        assert!(
            message.contains(says) && message.contains(&upstream.to_string()),
            "{name}: {message}"
        );
        assert!(help.contains(helps), "{name}: {help}");
    }
    // Whatever is wrong with it, insecure takes it.
    for upstream in [&good, &expired, &elsewhere] {
        let tls = ends(ClientTls::Off, on(Trust::Insecure));
        let through = proxy(node(upstream.bootstrap()), tls, Vec::new()).await.unwrap();
        through.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_another_authority_refuses_the_proxy() {
    let dev = Dev::start().await;
    let dir = TempDir::new().unwrap();
    let authority = dir.path().join("ca.pem");
    let clients = ClientTls::Made {
        authority: authority.clone(),
    };
    let through = proxy(node(dev.address), ends(clients, BrokerTls::Off), Vec::new())
        .await
        .unwrap();
    let stranger = Company::new("stranger");
    let (bootstrap, wrong) = (through.bootstrap(), stranger.authority());
    blocking(move || {
        let refused = encrypted(bootstrap, &wrong, "127.0.0.1").err().unwrap();
        assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
        let other_name = encrypted(bootstrap, &authority, "broker.example").err().unwrap();
        assert!(
            other_name.to_string().contains("not valid for name"),
            "{other_name}"
        );
        // Plaintext to a listener with TLS.
        let mut connection = plain(bootstrap);
        let request = kafka_protocol::messages::ApiVersionsRequest::default();
        connection.call(&request, 0).unwrap_err();
    })
    .await;
    let (_, events) = through.end().await;
    let reasons = reasons(&events);
    for says in [
        "no TLS with the client: it does not trust the authority",
        "no TLS with the client: it refuses the proxy's certificate",
        "the client speaks plaintext, and this listener wants TLS",
    ] {
        assert!(
            reasons.iter().any(|reason| reason.starts_with(says)),
            "{reasons:?}"
        );
    }
    assert_eq!(reasons.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_something_else_are_named() {
    let dev = Dev::start().await;
    let company = Company::new("company");
    let good = company.certificate("127.0.0.1");
    let other = company.certificate("localhost");
    let text = company.dir().join("notes.txt");
    std::fs::write(&text, "not a certificate").unwrap();
    let missing = PathBuf::from("/nowhere/ca.pem");
    let given = |chain: &PathBuf, key: &PathBuf| {
        let (chain, key) = (chain.clone(), key.clone());
        ends(ClientTls::Given(Certificate { chain, key }), BrokerTls::Off)
    };
    let trust = |path: &PathBuf| ends(ClientTls::Off, on(Trust::Authorities(path.clone())));
    let foreign = ClientTls::Made {
        authority: company.authority(),
    };
    for (name, tls, says) in [
        (
            "no authority",
            trust(&missing),
            "can't read certificate authority in /nowhere/ca.pem",
        ),
        (
            "no PEM",
            trust(&text),
            "holds no certificate authority in PEM form",
        ),
        (
            "no key",
            given(&good.chain, &good.chain),
            "holds no private key in PEM form",
        ),
        (
            "the key of another",
            given(&good.chain, &other.key),
            "can't be used",
        ),
        (
            "a file of others",
            ends(foreign, BrokerTls::Off),
            "is there already",
        ),
    ] {
        let upstream: SocketAddr = dev.address;
        let error = proxy(node(upstream), tls, Vec::new()).await.err().unwrap();
        assert!(matches!(error, ProxyError::Tls(_)), "{name}: {error:?}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
    let none = highwater_proxy::Tls::Passes {
        listeners: Vec::new(),
    };
    let error = proxy(node(dev.address), none, Vec::new()).await.err().unwrap();
    assert!(
        matches!(error, ProxyError::Tls(TlsError::NoListener)),
        "{error:?}"
    );
}
