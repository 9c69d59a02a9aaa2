//! Planted defects of pipelines.

use highwater_check::Anomaly;
use highwater_check::pipeline::{PipelineFinding, Place};

use super::run::Run;
use crate::plant::Context;

/// A place in a run where a defect can be planted, with what must be found.
pub(super) struct Spot {
    pub(super) context: Context,
    pub(super) run: Run,
    pub(super) expected: Vec<PipelineFinding>,
}

/// A kind of defect.
pub struct PipelineDefect {
    /// In words.
    pub name: &'static str,
    /// The contract of the pipelines it is planted in.
    pub contract: &'static str,
    /// What it is caught by, gravest first.
    pub caught_by: &'static [Anomaly],
    /// Whether the contract forbids it; otherwise it is told, and survives.
    pub forbidden: bool,
    /// Inputs it can be planted at, in their order.
    pub(super) places: fn(&Run) -> Vec<usize>,
    pub(super) plant: fn(&Run, usize) -> Option<Spot>,
}

const EXACTLY_ONCE: &str = "exactly-once";
const AT_LEAST_ONCE: &str = "at-least-once";
const PER_KEY: &str = "exactly-once, ordered-per-key";

/// All defects of pipelines, in the order of the table.
#[must_use]
pub fn pipeline_defects() -> Vec<PipelineDefect> {
    use Anomaly as A;
    let defect = |name, contract, caught_by, places, plant| PipelineDefect {
        name,
        contract,
        caught_by,
        forbidden: true,
        places,
        plant,
    };
    vec![
        defect(
            "input without an output",
            AT_LEAST_ONCE,
            &[A::PipelineLoss],
            lossy,
            lost,
        ),
        defect(
            "input without one of its outputs",
            EXACTLY_ONCE,
            &[A::PipelineLoss],
            lossy,
            branch_lost,
        ),
        defect(
            "output repeated inside the window",
            EXACTLY_ONCE,
            &[A::PipelineDuplicate],
            inside,
            repeated,
        ),
        PipelineDefect {
            forbidden: false,
            ..defect(
                "output repeated inside the window, allowed",
                AT_LEAST_ONCE,
                &[A::PipelineDuplicate],
                inside,
                repeated,
            )
        },
        defect(
            "output repeated outside the window",
            AT_LEAST_ONCE,
            &[A::RedeliveryOutsideWindow, A::PipelineDuplicate],
            outside,
            repeated,
        ),
        defect(
            "lost output hidden by an equal duplicate",
            EXACTLY_ONCE,
            &[A::PipelineLoss, A::RedeliveryOutsideWindow, A::PipelineDuplicate],
            lossy,
            hidden,
        ),
        defect(
            "outputs of a key change places",
            PER_KEY,
            &[A::PipelineReorder],
            lossy,
            reordered,
        ),
        defect(
            "output without an input",
            EXACTLY_ONCE,
            &[A::PipelinePhantom],
            with_output,
            phantom,
        ),
        defect(
            "output of an aborted input",
            EXACTLY_ONCE,
            &[A::PipelinePhantom],
            aborted,
            of_aborted,
        ),
        defect("key moves partition", PER_KEY, &[A::KeyMoved], lossy, moved),
    ]
}

/// Outputs of an input, by number.
fn outputs(run: &Run, input: usize) -> Vec<usize> {
    let all = run.outputs.iter().enumerate();
    all.filter(|(_, put)| put.input == Some(input))
        .map(|(number, _)| number)
        .collect()
}

fn inputs(run: &Run, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..run.inputs.len()).filter(|input| wanted(*input)).collect()
}

/// Inputs that were processed exactly once.
fn with_output(run: &Run) -> Vec<usize> {
    let wanted = if run.fans_out() { 2 } else { 1 };
    inputs(run, |input| outputs(run, input).len() == wanted)
}

/// Those whose outputs may not be missing.
fn lossy(run: &Run) -> Vec<usize> {
    if run.filters() {
        Vec::new()
    } else {
        with_output(run)
    }
}

fn inside(run: &Run) -> Vec<usize> {
    let mut all = with_output(run);
    all.retain(|input| run.in_window(run.inputs[*input].place));
    all
}

fn outside(run: &Run) -> Vec<usize> {
    let mut all = with_output(run);
    all.retain(|input| !run.in_window(run.inputs[*input].place));
    all
}

fn aborted(run: &Run) -> Vec<usize> {
    inputs(run, |input| !run.inputs[input].committed)
}

fn finding(anomaly: Anomaly, inputs: Vec<Place>, outputs: Vec<Place>) -> PipelineFinding {
    PipelineFinding {
        inputs,
        outputs,
        ..PipelineFinding::new(anomaly)
    }
}

fn spot(run: Run, input: usize, expected: Vec<PipelineFinding>) -> Spot {
    let fed = &run.inputs[input];
    let context = match (fed.committed, run.in_window(fed.place)) {
        (false, _) => Context::Aborted,
        (true, true) => Context::Rebalance,
        (true, false) => Context::Quiet,
    };
    Spot {
        context,
        run,
        expected,
    }
}

fn places(run: &Run, outputs: &[usize]) -> Vec<Place> {
    outputs.iter().map(|output| run.outputs[*output].place).collect()
}

/// An output more, at the end of a partition.
fn append(run: &mut Run, mut put: super::run::Put, partition: i32) -> Place {
    put.place = Place {
        topic: 0,
        partition,
        offset: run.end(partition),
    };
    let place = put.place;
    run.outputs.push(put);
    run.outputs.sort_by_key(|put| put.place);
    place
}

fn lost(run: &Run, input: usize) -> Option<Spot> {
    let mut planted = run.clone();
    planted.outputs.retain(|put| put.input != Some(input));
    let loss = finding(Anomaly::PipelineLoss, vec![run.inputs[input].place], Vec::new());
    Some(spot(planted, input, vec![loss]))
}

fn branch_lost(run: &Run, input: usize) -> Option<Spot> {
    let [kept, gone] = outputs(run, input)[..] else {
        return None;
    };
    let mut planted = run.clone();
    planted.outputs.remove(gone);
    let left = places(run, &[kept]);
    let loss = finding(Anomaly::PipelineLoss, vec![run.inputs[input].place], left);
    Some(spot(planted, input, vec![loss]))
}

/// What is said of an input one output of which stands once more at a place.
fn twice(run: &Run, input: usize, output: usize, again: Place) -> Vec<PipelineFinding> {
    let place = run.inputs[input].place;
    let mut both = vec![run.outputs[output].place, again];
    both.sort_unstable();
    let duplicate = finding(Anomaly::PipelineDuplicate, vec![place], both.clone());
    if run.in_window(place) {
        return vec![duplicate];
    }
    vec![
        finding(Anomaly::RedeliveryOutsideWindow, vec![place], both),
        duplicate,
    ]
}

fn repeated(run: &Run, input: usize) -> Option<Spot> {
    let output = outputs(run, input).pop()?;
    let mut planted = run.clone();
    let put = run.outputs[output].clone();
    let again = append(&mut planted, put, run.outputs[output].place.partition);
    Some(spot(planted, input, twice(run, input, output, again)))
}

/// One output less and another one twice: totals agree.
fn hidden(run: &Run, input: usize) -> Option<Spot> {
    let other = lossy(run)
        .into_iter()
        .find(|other| *other > input && !run.in_window(run.inputs[*other].place))?;
    let output = outputs(run, other).pop()?;
    let mut planted = run.clone();
    planted.outputs.retain(|put| put.input != Some(input));
    let put = run.outputs[output].clone();
    let again = append(&mut planted, put, run.outputs[output].place.partition);
    let mut expected = vec![finding(
        Anomaly::PipelineLoss,
        vec![run.inputs[input].place],
        Vec::new(),
    )];
    expected.extend(twice(run, other, output, again));
    Some(spot(planted, input, expected))
}

fn reordered(run: &Run, input: usize) -> Option<Spot> {
    if run.fans_out() {
        return None;
    }
    let key = run.inputs[input].key.as_ref()?;
    let next = (input + 1..run.inputs.len())
        .find(|other| run.inputs[*other].key.as_ref() == Some(key) && !outputs(run, *other).is_empty())?;
    let ([first], [second]) = (&outputs(run, input)[..], &outputs(run, next)[..]) else {
        return None;
    };
    let mut planted = run.clone();
    planted.outputs.swap(*first, *second);
    planted.outputs[*first].place = run.outputs[*first].place;
    planted.outputs[*second].place = run.outputs[*second].place;
    let reorder = finding(
        Anomaly::PipelineReorder,
        vec![run.inputs[input].place, run.inputs[next].place],
        places(run, &[*second, *first]),
    );
    Some(spot(planted, input, vec![reorder]))
}

fn phantom(run: &Run, input: usize) -> Option<Spot> {
    let output = outputs(run, input).pop()?;
    let mut put = run.outputs[output].clone();
    put.input = None;
    put.key = None;
    put.value = b"{\"id\":\"1000000\"}".to_vec();
    put.headers = vec![("input".to_owned(), b"1000000".to_vec())];
    let mut planted = run.clone();
    let place = append(&mut planted, put, run.outputs[output].place.partition);
    let phantom = finding(Anomaly::PipelinePhantom, Vec::new(), vec![place]);
    Some(spot(planted, input, vec![phantom]))
}

fn of_aborted(run: &Run, input: usize) -> Option<Spot> {
    let mut put = run.made_of(input, 0);
    // A key of its own has a partition of its own.
    let known = run
        .outputs
        .iter()
        .find(|other| other.key == put.key && put.key.is_some());
    let partition = known.map_or(0, |known| known.place.partition);
    put.input = None;
    let mut planted = run.clone();
    let place = append(&mut planted, put, partition);
    let phantom = finding(
        Anomaly::PipelinePhantom,
        vec![run.inputs[input].place],
        vec![place],
    );
    Some(spot(planted, input, vec![phantom]))
}

fn moved(run: &Run, input: usize) -> Option<Spot> {
    let key = run.inputs[input].key.clone()?;
    let output = outputs(run, input).pop()?;
    let mut planted = run.clone();
    let put = planted.outputs.remove(output);
    let home = put.place.partition;
    let others = planted
        .outputs
        .iter()
        .filter(|other| other.key.as_ref() == Some(&key));
    let first = others.map(|other| other.place).min()?;
    let place = append(&mut planted, put, (home + 1) % run.output_partitions);
    let mut both = vec![first, place];
    both.sort_unstable();
    let moved = finding(Anomaly::KeyMoved, Vec::new(), both);
    Some(spot(planted, input, vec![moved]))
}
