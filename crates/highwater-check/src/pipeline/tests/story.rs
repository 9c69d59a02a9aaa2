//! A small pipeline run to tell: inputs of three keys in two partitions, and what came out.

use crate::Anomaly;
use crate::pipeline::{
    Fed, Lineage, Order, Output, PipelineCheck, PipelineFinding, PipelineFindings, Place, Windows,
};

/// Inputs of a story.
pub(super) const INPUTS: usize = 30;

/// An input.
#[derive(Debug, Clone)]
pub(super) struct In {
    pub(super) place: Place,
    pub(super) key: Option<Vec<u8>>,
    pub(super) id: String,
    pub(super) committed: bool,
}

/// An output. Its offset is where it stands in its partition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Out {
    pub(super) partition: i32,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

/// What was fed, and what came out.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) rule: Lineage,
    pub(super) order: Order,
    pub(super) fed: Vec<In>,
    pub(super) out: Vec<Out>,
    pub(super) windows: Option<Windows>,
}

/// The value that goes with an id.
pub(super) fn value(id: &str) -> Vec<u8> {
    format!(r#"{{"order":{{"id":"{id}"}},"text":"order-{id};"}}"#).into_bytes()
}

pub(super) fn place(partition: i32, offset: i64) -> Place {
    Place {
        topic: 0,
        partition,
        offset,
    }
}

impl In {
    /// The output of a pipeline that copies.
    pub(super) fn copied(&self) -> Out {
        Out {
            partition: self.place.partition,
            key: self.key.clone(),
            value: Some(value(&self.id)),
            headers: vec![("id".to_owned(), self.id.clone().into_bytes())],
        }
    }
}

impl Story {
    /// Everything was copied, once and in order.
    pub(super) fn copied(rule: &str) -> Self {
        let fed: Vec<In> = (0..INPUTS)
            .map(|number| {
                // Keys 0 and 2 in partition 0, key 1 in partition 1.
                let key = number % 3;
                let partition = i32::from(key == 1);
                let before = (0..number)
                    .filter(|before| (before % 3 == 1) == (key == 1))
                    .count();
                In {
                    place: place(partition, before as i64),
                    key: Some(vec![b'a' + key as u8]),
                    id: format!("{number:03}"),
                    committed: true,
                }
            })
            .collect();
        Self {
            rule: rule.parse().expect("a rule"),
            order: Order::PerKey,
            out: fed.iter().map(In::copied).collect(),
            fed,
            windows: None,
        }
    }

    /// Where an output stands.
    pub(super) fn place_of(&self, index: usize) -> Place {
        let partition = self.out[index].partition;
        let before = self.out[..index]
            .iter()
            .filter(|out| out.partition == partition)
            .count();
        place(partition, before as i64)
    }

    pub(super) fn judged(&self) -> PipelineFindings {
        let mut check = PipelineCheck::new(self.rule.clone(), self.order);
        for fed in &self.fed {
            let value = value(&fed.id);
            check.fed(&Fed {
                place: fed.place,
                key: fed.key.as_deref(),
                value: Some(&value),
                id: fed.id.as_bytes(),
                committed: fed.committed,
            });
        }
        let mut places: Vec<(Place, &Out)> = (0..self.out.len())
            .map(|index| (self.place_of(index), &self.out[index]))
            .collect();
        places.sort_by_key(|(place, _)| *place);
        for (place, out) in places {
            check.output(&Output {
                place,
                key: out.key.as_deref(),
                value: out.value.as_deref(),
                headers: &out.headers,
            });
        }
        check.finish(self.windows.clone())
    }

    /// What was found: which, inputs, outputs.
    pub(super) fn found(&self) -> Vec<(Anomaly, Vec<Place>, Vec<Place>)> {
        let judged = self.judged();
        judged.findings.into_iter().map(told).collect()
    }
}

pub(super) fn told(finding: PipelineFinding) -> (Anomaly, Vec<Place>, Vec<Place>) {
    (finding.anomaly, finding.inputs, finding.outputs)
}
