//! Takes in inputs, then outputs, and notes what is out of the ordinary as it comes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::aggregate::ByKey;
use super::finding::{PipelineFinding, Untraceable, Untraced};
use super::texts::Texts;
use super::{Aggregate, Cardinality, Fed, Lineage, Output, Place, Source, trace};
use crate::Anomaly;

/// Which records keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Those of one key. Records without a key have none.
    #[default]
    PerKey,
    /// Those of one partition of the input.
    PerPartition,
}

/// No key.
pub(super) const NO_KEY: u32 = u32::MAX;

/// An input, and what has come out of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) key: u32,
    pub(super) committed: bool,
    /// Another input has the same id.
    pub(super) ambiguous: bool,
    pub(super) outputs: u32,
    /// Of its outputs, if there are any.
    pub(super) first: Place,
}

/// An output of a fan-out.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) row: u32,
    pub(super) content: [u8; 16],
    pub(super) place: Place,
}

/// The furthest input of a line whose output has been seen in a partition, and that output.
#[derive(Debug, Clone, Copy)]
struct Furthest {
    input: Place,
    output: Place,
}

/// A pipeline under examination: first all inputs, then all outputs, of each partition in ascending offsets.
///
/// Linear in time. It keeps about 90 bytes and the id for every input, the bytes of each different key once, and
/// something for every output that is not as it should be (with `fan-out`: 40 bytes for each).
#[derive(Debug)]
pub struct PipelineCheck {
    pub(super) lineage: Lineage,
    pub(super) order: Order,
    /// By number of the id.
    pub(super) rows: Vec<Row>,
    pub(super) ids: Texts,
    pub(super) keys: Texts,
    /// How many inputs each key has.
    key_inputs: Vec<u32>,
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    /// Outputs that belong to an input.
    pub(super) matched: u64,
    pub(super) ambiguous: BTreeSet<Place>,
    /// Outputs after the first, of one-to-one and filter.
    pub(super) extras: Vec<(u32, Place)>,
    pub(super) branches: Vec<Branch>,
    pub(super) by_key: ByKey,
    furthest: HashMap<(u64, u16, i32), Furthest>,
    /// The late input, and what is to be said.
    pub(super) reordered: Vec<(u32, PipelineFinding)>,
    /// Where each key was first seen, by topic and number of the key.
    homes: BTreeMap<u16, Vec<Option<Place>>>,
    /// Keys and the partitions they were seen in beside the first.
    moved: BTreeSet<(u16, u32, i32)>,
    pub(super) found: Vec<PipelineFinding>,
    pub(super) untraceable: Untraceable,
    /// The first outputs that are unlike any input.
    pub(super) unlike: Vec<Untraced>,
}

impl PipelineCheck {
    /// Nothing fed yet.
    #[must_use]
    pub fn new(lineage: Lineage, order: Order) -> Self {
        Self {
            lineage,
            order,
            rows: Vec::new(),
            ids: Texts::default(),
            keys: Texts::default(),
            key_inputs: Vec::new(),
            inputs: 0,
            outputs: 0,
            matched: 0,
            ambiguous: BTreeSet::new(),
            extras: Vec::new(),
            branches: Vec::new(),
            by_key: ByKey::default(),
            furthest: HashMap::new(),
            reordered: Vec::new(),
            homes: BTreeMap::new(),
            moved: BTreeSet::new(),
            found: Vec::new(),
            untraceable: Untraceable::default(),
            unlike: Vec::new(),
        }
    }

    /// Takes in an input.
    pub fn fed(&mut self, fed: &Fed<'_>) {
        let key = fed.key.map_or(NO_KEY, |key| self.key(key));
        let content;
        let id = if matches!(self.lineage.source, Source::Same) {
            content = trace::content(fed.key, fed.value);
            &content
        } else {
            fed.id
        };
        let (number, new) = self.ids.number(id);
        let row = Row {
            place: fed.place,
            key,
            committed: fed.committed,
            ambiguous: false,
            outputs: 0,
            first: fed.place,
        };
        if new {
            self.rows.push(row);
        } else if fed.committed {
            let known = &mut self.rows[number as usize];
            if known.committed {
                known.ambiguous = true;
                self.ambiguous.extend([known.place, fed.place]);
            } else {
                // Aborted, and sent again.
                *known = row;
            }
        }
        if fed.committed {
            self.inputs += 1;
            if key != NO_KEY {
                self.key_inputs[key as usize] += 1;
            }
            if let Cardinality::Aggregate(aggregate) = self.lineage.cardinality {
                self.by_key.fed(aggregate, key, number, fed.id);
            }
        }
    }

    fn key(&mut self, key: &[u8]) -> u32 {
        let (number, new) = self.keys.number(key);
        if new {
            self.key_inputs.push(0);
        }
        number
    }

    /// Takes in an output.
    pub fn output(&mut self, output: &Output<'_>) {
        self.outputs += 1;
        self.stays(output);
        let aggregate = match self.lineage.cardinality {
            Cardinality::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        };
        let mut ids = Vec::new();
        let traced = trace::ids(
            &self.lineage.source,
            output,
            aggregate == Some(Aggregate::List),
            &mut |id| {
                ids.push(id.to_vec());
            },
        );
        if let Err(why) = traced {
            self.untraced(output, why);
            return;
        }
        match aggregate {
            Some(aggregate @ (Aggregate::Count | Aggregate::Sum | Aggregate::Last)) => {
                let said = ids.pop().unwrap_or_default();
                match self.said(aggregate, output, &said) {
                    Ok(()) => self.matched += 1,
                    Err(why) => self.untraced(output, why),
                }
            }
            Some(Aggregate::List) | None => {
                for id in &ids {
                    self.belongs(output, id);
                }
            }
        }
    }

    /// An aggregate that tells a figure.
    fn said(&mut self, aggregate: Aggregate, output: &Output<'_>, said: &[u8]) -> Result<(), String> {
        let key = output.key.map_or(NO_KEY, |key| self.key(key));
        let number = self.ids.find(said);
        self.by_key.said(aggregate, key, output.place, said, number)
    }

    fn belongs(&mut self, output: &Output<'_>, id: &[u8]) {
        let row = self.ids.find(id).filter(|number| {
            let row = &self.rows[*number as usize];
            !row.ambiguous
        });
        let Some(number) = row else {
            if self.ids.find(id).is_none() {
                self.phantom(output, id);
            } else {
                self.matched += 1;
            }
            return;
        };
        self.matched += 1;
        let row = &mut self.rows[number as usize];
        if !row.committed {
            let mut finding = PipelineFinding::new(Anomaly::PipelinePhantom);
            finding.inputs.push(row.place);
            finding.outputs.push(output.place);
            finding.key = output.key.map(<[u8]>::to_vec);
            finding.note = Some("its input is of an aborted transaction".to_owned());
            self.found.push(finding);
            return;
        }
        row.outputs += 1;
        let first = row.outputs == 1;
        if first {
            row.first = output.place;
        }
        match self.lineage.cardinality {
            Cardinality::OneToOne | Cardinality::Filter => {
                if first {
                    self.keeps_order(number, output.place);
                } else {
                    self.extras.push((number, output.place));
                }
            }
            // Which of them is a repetition is known in the end.
            Cardinality::FanOut(_) => self.branches.push(Branch {
                row: number,
                content: trace::content(output.key, output.value),
                place: output.place,
            }),
            Cardinality::Aggregate(_) => {}
        }
    }

    /// Compares an output with those before it in its partition.
    pub(super) fn keeps_order(&mut self, number: u32, output: Place) {
        let row = &self.rows[number as usize];
        let line = match self.order {
            Order::PerKey if row.key == NO_KEY || self.key_inputs[row.key as usize] < 2 => return,
            Order::PerKey => u64::from(row.key) << 16 | u64::from(row.place.topic),
            Order::PerPartition => u64::from(row.place.partition as u32) << 16 | u64::from(row.place.topic),
        };
        let here = Furthest {
            input: row.place,
            output,
        };
        let furthest = self
            .furthest
            .entry((line, output.topic, output.partition))
            .or_insert(here);
        // Inputs of one key in two partitions have no order.
        if furthest.input.partition != here.input.partition {
            return;
        }
        if furthest.input.offset <= here.input.offset {
            *furthest = here;
            return;
        }
        let mut finding = PipelineFinding::new(Anomaly::PipelineReorder);
        finding.inputs = vec![here.input, furthest.input];
        finding.outputs = vec![here.output, furthest.output];
        finding.key = (row.key != NO_KEY).then(|| self.keys.text(row.key).to_vec());
        self.reordered.push((number, finding));
    }

    /// Keys stay where they are.
    fn stays(&mut self, output: &Output<'_>) {
        let Some(key) = output.key else { return };
        let number = self.key(key);
        let Place { topic, partition, .. } = output.place;
        let homes = self.homes.entry(topic).or_default();
        if homes.len() <= number as usize {
            homes.resize(number as usize + 1, None);
        }
        let home = *homes[number as usize].get_or_insert(output.place);
        if home.partition != partition && self.moved.insert((topic, number, partition)) {
            let mut finding = PipelineFinding::new(Anomaly::KeyMoved);
            finding.outputs = vec![home, output.place];
            finding.key = Some(key.to_vec());
            self.found.push(finding);
        }
    }

    fn phantom(&mut self, output: &Output<'_>, id: &[u8]) {
        let mut finding = PipelineFinding::new(Anomaly::PipelinePhantom);
        finding.outputs.push(output.place);
        finding.key = output.key.map(<[u8]>::to_vec);
        if matches!(self.lineage.source, Source::Same) {
            if self.unlike.len() < Untraceable::MOST_EXAMPLES {
                let why = "no input has its key and its value".to_owned();
                self.unlike.push(Untraced::of(output, why));
            }
        } else {
            finding.note = Some(format!("it names `{}`", String::from_utf8_lossy(id)));
        }
        self.found.push(finding);
    }

    fn untraced(&mut self, output: &Output<'_>, why: String) {
        self.untraceable.count += 1;
        if self.untraceable.examples.len() < Untraceable::MOST_EXAMPLES {
            self.untraceable.examples.push(Untraced::of(output, why));
        }
    }
}

impl Untraced {
    fn of(output: &Output<'_>, why: String) -> Self {
        Self {
            place: output.place,
            key: output.key.map(<[u8]>::to_vec),
            value: output
                .value
                .map(|value| value[..value.len().min(Self::MOST_BYTES)].to_vec()),
            why,
        }
    }
}
