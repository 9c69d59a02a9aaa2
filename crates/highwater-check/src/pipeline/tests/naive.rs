//! Random pipelines against a model that keeps everything and looks at every pair.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::story::{In, Out, Story, place, told};
use crate::Anomaly as A;
use crate::pipeline::{Cardinality, Lineage, Order, Place, Source, Windows};

type Told = (A, Vec<Place>, Vec<Place>);

/// Which input, where to instead of its own partition, and which branch.
type Did = (usize, Option<i32>, u8);

/// Keys of the inputs, and what the pipeline did, one output after the other; some inputs do not exist.
fn runs() -> impl Strategy<Value = (Vec<usize>, Vec<Did>)> {
    let keys = prop::collection::vec(0_usize..4, 0..12);
    let out = (0_usize..14, prop::option::weighted(0.1, 0_i32..3), 0_u8..2);
    (keys, prop::collection::vec(out, 0..20))
}

fn story(keys: &[usize], out: &[Did], cardinality: Cardinality, order: Order) -> Story {
    let mut fed: Vec<In> = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        let partition = (key % 2) as i32;
        let before = fed.iter().filter(|fed| fed.place.partition == partition).count();
        fed.push(In {
            place: place(partition, before as i64),
            // One of them has none.
            key: (*key != 3).then(|| vec![*key as u8]),
            id: number.to_string(),
            committed: true,
        });
    }
    let out = out
        .iter()
        .map(|(number, moved, branch)| {
            let input = fed.get(*number);
            Out {
                partition: moved.or(input.map(|fed| fed.place.partition)).unwrap_or(0),
                key: input.and_then(|fed| fed.key.clone()),
                value: Some(vec![*branch]),
                headers: vec![("id".to_owned(), number.to_string().into_bytes())],
            }
        })
        .collect();
    Story {
        rule: Lineage {
            source: Source::Header("id".to_owned()),
            cardinality,
        },
        order,
        fed,
        out,
        windows: None,
    }
}

/// Outputs as they are read: partition by partition.
fn read(story: &Story) -> Vec<(Place, Option<usize>, &Out)> {
    let mut read: Vec<_> = (0..story.out.len())
        .map(|index| {
            let out = &story.out[index];
            let id = String::from_utf8(out.headers[0].1.clone()).expect("a number");
            (
                story.place_of(index),
                story.fed.iter().position(|fed| fed.id == id),
                out,
            )
        })
        .collect();
    read.sort_by_key(|(place, ..)| *place);
    read
}

fn naive(story: &Story) -> BTreeSet<Told> {
    let read = read(story);
    let mut found = BTreeSet::new();
    // Which outputs are no repetition, in the order in which they are read.
    let mut firsts: Vec<(Place, usize)> = Vec::new();
    let mut in_two = BTreeSet::new();
    for (number, fed) in story.fed.iter().enumerate() {
        let mine: Vec<_> = read
            .iter()
            .filter(|(_, input, _)| *input == Some(number))
            .collect();
        let places = |of: &[&(Place, Option<usize>, &Out)]| of.iter().map(|read| read.0).collect::<Vec<_>>();
        if mine.is_empty() {
            if story.rule.cardinality != Cardinality::Filter {
                found.insert((A::PipelineLoss, vec![fed.place], vec![]));
            }
            continue;
        }
        if let Cardinality::FanOut(exactly) = story.rule.cardinality {
            let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for one in mine {
                alike.entry(&one.2.value).or_default().push(one);
            }
            let mut different: Vec<Place> = alike.values().map(|one| one[0].0).collect();
            different.sort();
            firsts.extend(different.iter().map(|place| (*place, number)));
            for several in alike.values().filter(|several| several.len() > 1) {
                found.insert((A::PipelineDuplicate, vec![fed.place], places(several)));
            }
            let exactly = exactly.map_or(different.len(), |number| number.get() as usize);
            match different.len().cmp(&exactly) {
                std::cmp::Ordering::Less => found.insert((A::PipelineLoss, vec![fed.place], different)),
                std::cmp::Ordering::Greater => {
                    found.insert((A::PipelineDuplicate, vec![fed.place], different))
                }
                std::cmp::Ordering::Equal => false,
            };
        } else {
            firsts.push((mine[0].0, number));
            if mine.len() > 1 {
                found.insert((A::PipelineDuplicate, vec![fed.place], places(&mine)));
            }
            if mine.iter().any(|one| one.0.partition != mine[0].0.partition) {
                in_two.insert(number);
            }
        }
    }
    firsts.sort();
    for (index, (late, number)) in firsts.iter().enumerate() {
        let fed = &story.fed[*number];
        let before = firsts[..index]
            .iter()
            .filter(|(place, _)| place.partition == late.partition)
            .filter(|(_, other)| {
                let other = &story.fed[*other];
                match story.order {
                    Order::PerKey => fed.key.is_some() && other.key == fed.key,
                    Order::PerPartition => other.place.partition == fed.place.partition,
                }
            })
            // Of several outputs of the furthest input, the last.
            .max_by_key(|(place, other)| (story.fed[*other].place.offset, *place));
        if let Some((place, other)) = before {
            let other = story.fed[*other].place;
            if other.offset > fed.place.offset && !in_two.contains(number) {
                found.insert((A::PipelineReorder, vec![fed.place, other], vec![*late, *place]));
            }
        }
    }
    for (place, input, out) in &read {
        if input.is_none() {
            found.insert((A::PipelinePhantom, vec![], vec![*place]));
        }
        if out.key.is_some() {
            let of_key: Vec<Place> = read
                .iter()
                .filter(|other| other.2.key == out.key)
                .map(|other| other.0)
                .collect();
            let first_here = of_key.iter().find(|other| other.partition == place.partition);
            if of_key[0].partition != place.partition && first_here == Some(place) {
                found.insert((A::KeyMoved, vec![], vec![of_key[0], *place]));
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn all_pairs_say_the_same(
        (keys, out) in runs(),
        cardinality in prop::sample::select(vec![
            Cardinality::OneToOne,
            Cardinality::Filter,
            Cardinality::FanOut(None),
            Cardinality::FanOut(NonZeroU32::new(2)),
        ]),
        order in prop::sample::select(vec![Order::PerKey, Order::PerPartition]),
    ) {
        let story = story(&keys, &out, cardinality, order);
        let judged = story.judged();
        prop_assert!(judged.findings.is_sorted());
        let told: Vec<Told> = judged.findings.into_iter().map(told).collect();
        let found: BTreeSet<Told> = told.iter().cloned().collect();
        prop_assert_eq!(found.len(), told.len(), "each once");
        prop_assert_eq!(found, naive(&story));
    }

    #[test]
    fn a_duplicate_is_outside_exactly_if_no_window_has_it(
        (keys, out) in runs(),
        ranges in prop::collection::vec((0_i32..2, 0_i64..8, 0_i64..8), 0..5),
    ) {
        let mut story = story(&keys, &out, Cardinality::OneToOne, Order::PerKey);
        let mut windows = Windows::default();
        for (partition, from, to) in &ranges {
            windows.add(0, *partition, *from, *to);
        }
        story.windows = Some(windows);
        for finding in story.judged().findings {
            let of_window = matches!(finding.anomaly, A::PipelineDuplicate | A::RedeliveryOutsideWindow);
            if !of_window {
                continue;
            }
            let input = finding.inputs[0];
            let inside = ranges
                .iter()
                .any(|(partition, from, to)| *partition == input.partition && (*from..*to).contains(&input.offset));
            prop_assert_eq!(finding.inside_window, Some(inside));
            prop_assert!(finding.anomaly == A::PipelineDuplicate || !inside);
        }
    }
}
