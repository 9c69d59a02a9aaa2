//! Ports on the loopback interface.
//!
//! Ports are chosen outside the range from which the kernel takes the source ports of outgoing connections.
//! While a broker is down its clients keep connecting to its port; inside that range such a connection can
//! by chance get that very port as its source and then connect to itself, and the broker finds its port taken.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};

use crate::error::TargetError;

/// Lowest port to choose; below live services with well-known ports.
const LOWEST: u16 = 10_000;
/// Where the kernel's range is not readable: its default on Linux.
const DEFAULT_EPHEMERAL: (u16, u16) = (32_768, 60_999);
/// A range with fewer ports than this left outside is not worth searching.
const WORTH_SEARCHING: u16 = 100;
/// How many candidates are tried before the kernel is asked for any port.
const ATTEMPTS: usize = 200;

/// Finds different free ports; they are free at this moment and not reserved.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], TargetError> {
    let mut found = [0; N];
    let mut chosen = BTreeSet::new();
    for port in &mut found {
        *port = free_port(&mut chosen)?;
    }
    Ok(found)
}

/// Finds one free port that was not chosen before, and adds it to those that were.
pub(crate) fn free_port(chosen: &mut BTreeSet<u16>) -> Result<u16, TargetError> {
    let port = quiet_port(chosen).map_or_else(|| any_port(chosen), Ok)?;
    chosen.insert(port);
    Ok(port)
}

/// True if somebody listens on the port. Does not listen itself: a client that keeps trying to reach a
/// broker that is down must not be let in by the check.
pub(crate) fn is_taken(port: u16) -> bool {
    let attempt = || -> rustix::io::Result<()> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // As servers do: connections of an earlier server in TIME_WAIT are no obstacle.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    };
    attempt() == Err(rustix::io::Errno::ADDRINUSE)
}

fn quiet_port(chosen: &BTreeSet<u16>) -> Option<u16> {
    let (low, high) = outside(ephemeral_range())?;
    let span = u64::from(high - low) + 1;
    let random = RandomState::new();
    (0..ATTEMPTS)
        .filter_map(|attempt| u16::try_from(random.hash_one(attempt) % span).ok())
        .map(|step| low + step)
        .find(|port| !chosen.contains(port) && !is_taken(*port))
}

/// The larger stretch of ports outside the kernel's range, inclusive; none if there is hardly any.
fn outside((first, last): (u16, u16)) -> Option<(u16, u16)> {
    let below = (LOWEST, first.saturating_sub(1));
    let above = (last.saturating_add(1).max(LOWEST), u16::MAX);
    let size = |(low, high): (u16, u16)| high.saturating_sub(low);
    let larger = if size(below) >= size(above) { below } else { above };
    (size(larger) >= WORTH_SEARCHING).then_some(larger)
}

fn ephemeral_range() -> (u16, u16) {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
    numbers.next().zip(numbers.next()).unwrap_or(DEFAULT_EPHEMERAL)
}

fn any_port(chosen: &BTreeSet<u16>) -> Result<u16, TargetError> {
    let attempt = || -> io::Result<u16> {
        // Held together, so that the kernel can't give the same one twice.
        let mut held = Vec::new();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            if !chosen.contains(&port) {
                return Ok(port);
            }
            held.push(listener);
        }
    };
    attempt().map_err(|source| TargetError::NoFreePort { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_different_free_and_out_of_the_kernels_way() {
        let ports: [u16; 20] = free_ports().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 20);
        let range = ephemeral_range();
        if outside(range).is_some() {
            assert!(
                ports.iter().all(|port| !(range.0..=range.1).contains(port)),
                "{ports:?} {range:?}"
            );
        }
    }

    #[test]
    fn the_larger_stretch_outside_is_taken() {
        for (range, expected) in [
            ((32_768, 60_999), Some((10_000, 32_767))),
            ((10_000, 30_000), Some((30_001, 65_535))),
            ((1_024, 65_535), None),
            ((10_050, 65_500), None),
            ((9_000, 9_500), Some((10_000, 65_535))),
        ] {
            assert_eq!(outside(range), expected, "{range:?}");
        }
    }

    #[test]
    fn a_listener_makes_a_port_taken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_taken(port));
        drop(listener);
        assert!(!is_taken(port));
        assert_ne!(any_port(&BTreeSet::new()).unwrap(), 0);
    }
}
