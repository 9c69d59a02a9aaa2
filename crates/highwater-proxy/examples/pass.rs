use highwater_model::history::NodeAddress;
use highwater_proxy::*;
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (h, p) = a[1].rsplit_once(':').unwrap();
    let mut o = ProxyOptions::new(vec![NodeAddress {
        host: h.into(),
        port: p.parse().unwrap(),
    }]);
    o.listen = a[2].parse().unwrap();
    if a.len() > 3 {
        o.history = Some(a[3].clone().into());
    }
    let pr = Proxy::start(o).await.unwrap();
    println!("{}", pr.bootstrap());
    tokio::signal::ctrl_c().await.unwrap();
    let s = pr.stop().await;
    println!(
        "{:?} waited {:?} events {} fail {:?}",
        s.snapshot, s.waited, s.events, s.history_failure
    );
}
