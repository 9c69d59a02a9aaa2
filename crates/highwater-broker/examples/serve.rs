//! Runs the dev broker until interrupted: `cargo run --example serve -- 127.0.0.1:9092 DIR [BUG…]`.

use std::error::Error;

use highwater_broker::{Broker, BrokerConfig};

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().ok_or("an address is missing")?.parse()?;
    let data_dir = arguments.next().ok_or("a directory is missing")?;
    let mut config = BrokerConfig::new(listen, data_dir);
    for bug in arguments {
        config.bugs.insert(bug.parse()?);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let broker = Broker::bind(config).await?;
        println!("listening on {}", broker.address());
        broker
            .serve(async {
                // Without a signal handler there is nothing to wait for but the end of the process.
                let _ = tokio::signal::ctrl_c().await;
            })
            .await?;
        Ok(())
    })
}
