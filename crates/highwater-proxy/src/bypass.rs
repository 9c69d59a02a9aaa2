//! Clients that talk past the proxy: processes of this machine that are connected to the proxy and to a broker.
//!
//! ```text
//! /proc/net/tcp: who is connected to a listener of ours? to a broker?   /proc/PID/fd: whose sockets are these?
//! ```
//! A client may keep an address that it learnt elsewhere, from its configuration or an earlier run. Looking takes a
//! few milliseconds and is done every [`LOOK_EVERY`], so a connection that lives shorter can escape; clients on
//! other machines, and processes of other users, can't be seen at all. What is seen is certain.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use procfs::process::{FDTarget, all_processes};

/// How often it is looked.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A process that is connected past the proxy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Past {
    pub(crate) pid: i32,
    pub(crate) name: String,
    pub(crate) broker: SocketAddr,
}

/// Where the ends of a connection are, and its inode.
struct Socket {
    remote: SocketAddr,
    inode: u64,
}

/// Processes that have connections both to `listeners` and to `brokers`.
pub(crate) fn look(listeners: &HashSet<SocketAddr>, brokers: &HashSet<SocketAddr>) -> BTreeSet<Past> {
    let sockets = sockets();
    let of = |addresses: &HashSet<SocketAddr>| -> HashMap<u64, SocketAddr> {
        // A listener at every address of this machine is reached at each of them.
        let anywhere: HashSet<u16> = addresses
            .iter()
            .filter(|address| address.ip().is_unspecified())
            .map(SocketAddr::port)
            .collect();
        let meant = sockets
            .iter()
            .filter(|socket| addresses.contains(&socket.remote) || anywhere.contains(&socket.remote.port()));
        meant.map(|socket| (socket.inode, socket.remote)).collect()
    };
    let (through, past) = (of(listeners), of(brokers));
    if through.is_empty() || past.is_empty() {
        return BTreeSet::new();
    }
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let processes = all_processes().into_iter().flatten().flatten();
    processes
        .filter(|process| process.pid() != own)
        .flat_map(|process| {
            let inodes: HashSet<u64> = process
                .fd()
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|descriptor| match descriptor.target {
                    FDTarget::Socket(inode) => Some(inode),
                    _ => None,
                })
                .collect();
            let goes_through = inodes.iter().any(|inode| through.contains_key(inode));
            let name = process.stat().map(|stat| stat.comm).unwrap_or_default();
            let beside: Vec<_> = inodes
                .iter()
                .filter(|_| goes_through)
                .filter_map(|inode| past.get(inode).copied())
                .map(|broker| Past {
                    pid: process.pid(),
                    name: name.clone(),
                    broker,
                })
                .collect();
            beside
        })
        .collect()
}

fn sockets() -> Vec<Socket> {
    let four = procfs::net::tcp().into_iter().flatten();
    let six = procfs::net::tcp6().into_iter().flatten();
    four.chain(six)
        .map(|entry| Socket {
            remote: plain(entry.remote_address),
            inode: entry.inode,
        })
        .collect()
}

/// An IPv4 address that is written as IPv6, as Java does, is the IPv4 address.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_only_goes_through_is_not_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let (through, past) = (listener.local_addr().unwrap(), broker.local_addr().unwrap());
        let _client = TcpStream::connect(through).unwrap();
        // The sockets of this process itself are the proxy's own.
        let _proxy = TcpStream::connect(past).unwrap();
        assert_eq!(
            look(&HashSet::from([through]), &HashSet::from([past])),
            BTreeSet::new()
        );
    }

    #[test]
    fn a_process_that_is_connected_to_both_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let (through, past) = (listener.local_addr().unwrap(), broker.local_addr().unwrap());
        let open = |descriptor, address: SocketAddr| {
            format!("exec {descriptor}<>/dev/tcp/127.0.0.1/{}", address.port())
        };
        let script = format!("{}; {}; echo connected; read -r", open(3, through), open(4, past));
        let mut client = Command::new("bash")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(client.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "connected\n");
        let everywhere = SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), through.port());
        let looks =
            [through, everywhere].map(|listener| look(&HashSet::from([listener]), &HashSet::from([past])));
        drop(client.stdin.take());
        client.wait().unwrap();
        let pid = i32::try_from(client.id()).unwrap();
        for seen in looks {
            let told: Vec<_> = seen.iter().map(|one| (one.pid, one.broker)).collect();
            assert_eq!(told, [(pid, past)]);
        }
    }
}
