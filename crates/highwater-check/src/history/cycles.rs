//! Circles of transactions: `write-cycle` (Adya's G0) and `information-cycle` (G1c).
//!
//! ```text
//!  write-read    one wrote what the other read          promised: no circle of these
//!  write-write   one wrote right before the other       Kafka orders nothing across partitions: circles are told
//! ```
//!
//! Invariant: each component of transactions that reach each other is told once, with a shortest circle through one of
//! its edges. Only transactions that may have happened are in a graph.

use super::index::{Fate, Index};
use super::scc::Graph;
use super::{Checker, Edge, Finding, Isolation};
use crate::Anomaly;

/// Looks for circles.
pub(super) struct Cycles;

type Edges = Vec<(u32, u32)>;

impl Checker for Cycles {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        let mut reads = write_read(index);
        let writes = write_write(index);
        circles(index, Anomaly::WriteCycle, &writes, &writes, found);
        if index.options().write_order {
            let told = reads.clone();
            reads.extend(writes);
            circles(index, Anomaly::InformationCycle, &reads, &told, found);
        } else {
            circles(index, Anomaly::InformationCycle, &reads, &reads, found);
        }
    }
}

fn takes_part(index: &Index, operation: u32) -> bool {
    index.operations()[operation as usize].transaction && index.fate(operation) != Fate::Aborted
}

fn write_read(index: &Index) -> Edges {
    let mut edges = Edges::new();
    for reader in 0..index.operations().len() as u32 {
        if !takes_part(index, reader) {
            continue;
        }
        for record in index.reads(reader) {
            for writer in index.writers(record) {
                let edge = (writer, reader);
                if writer != reader && takes_part(index, writer) && edges.last() != Some(&edge) {
                    edges.push(edge);
                }
            }
        }
    }
    edges
}

fn write_write(index: &Index) -> Edges {
    let mut edges = Edges::new();
    for partition in index.partitions() {
        let Some(order) = index.order(partition) else {
            continue;
        };
        let mut before = None;
        for (_, record) in order.records(Isolation::Committed) {
            let Some(writer) = index.writers(record).find(|writer| takes_part(index, *writer)) else {
                continue;
            };
            if let Some(before) = before.replace(writer).filter(|before| *before != writer) {
                edges.push((before, writer));
            }
        }
    }
    edges
}

/// Tells one circle for each component that has one of the wanted edges.
fn circles(
    index: &Index,
    anomaly: Anomaly,
    edges: &[(u32, u32)],
    wanted: &[(u32, u32)],
    found: &mut dyn FnMut(Finding),
) {
    if edges.is_empty() {
        return;
    }
    let graph = Graph::new(index.operations().len(), edges);
    let components = graph.components();
    if components.is_empty() {
        return;
    }
    // An edge of each component, if it has one.
    let mut component_of = vec![u32::MAX; index.operations().len()];
    for (number, component) in (0u32..).zip(&components) {
        for node in component {
            component_of[*node as usize] = number;
        }
    }
    let mut chosen: Vec<Option<(u32, u32)>> = vec![None; components.len()];
    for (from, to) in wanted {
        let component = component_of[*from as usize];
        if component != u32::MAX && component == component_of[*to as usize] {
            let slot = &mut chosen[component as usize];
            *slot = Some(slot.map_or((*from, *to), |edge| edge.min((*from, *to))));
        }
    }
    for (component, edge) in components.iter().zip(chosen) {
        let Some((from, to)) = edge else { continue };
        if let Some(path) = graph.path(component, to, from) {
            found(told(index, anomaly, &path));
        }
    }
}

/// The finding of a circle of operations, the last of which leads to the first.
fn told(index: &Index, anomaly: Anomaly, path: &[u32]) -> Finding {
    let mut finding = Finding::new(anomaly).steps(path.iter().map(|operation| index.step(*operation)));
    for (place, from) in path.iter().enumerate() {
        let to = path[(place + 1) % path.len()];
        let reads_count = anomaly == Anomaly::InformationCycle;
        let edge = reads_count
            .then(|| read_edge(index, *from, to))
            .flatten()
            .or_else(|| write_edge(index, *from, to));
        if let Some(edge) = edge {
            finding = match edge {
                Edge::WriteWrite(partition, before, after) => {
                    let offset = |value| {
                        index
                            .find(partition, value)
                            .and_then(|record| index.offset(record))
                    };
                    finding.record(partition, offset(before), Some(before)).record(
                        partition,
                        offset(after),
                        Some(after),
                    )
                }
                Edge::WriteRead(partition, value) => {
                    let offset = index
                        .find(partition, value)
                        .and_then(|record| index.offset(record));
                    finding.record(partition, offset, Some(value))
                }
            };
            finding.edges.push(edge);
        }
    }
    finding
}

fn read_edge(index: &Index, from: u32, to: u32) -> Option<Edge> {
    let record = index
        .reads(to)
        .find(|record| index.writers(*record).any(|writer| writer == from))?;
    let (partition, value) = index.name(record);
    Some(Edge::WriteRead(partition, value))
}

fn write_edge(index: &Index, from: u32, to: u32) -> Option<Edge> {
    index.sends(from).find_map(|record| {
        let (partition, value) = index.name(record);
        let order = index.order(partition)?;
        let (next, _) = order
            .records_between(Isolation::Committed, index.offset(record)?, i64::MAX)
            .find_map(|(_, next)| {
                let writer = index.writers(next).find(|writer| takes_part(index, *writer))?;
                Some((next, writer))
            })
            .filter(|(_, writer)| *writer == to)?;
        Some(Edge::WriteWrite(partition, value, index.name(next).1))
    })
}
