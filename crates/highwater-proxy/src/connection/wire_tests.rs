//! The wire state against a model: a seeded sequence of what clients, brokers and rules do.

use proptest::prelude::*;

use super::*;

fn request(exchange: u64, slot: Option<Slot>) -> InFlight {
    InFlight {
        exchange: ExchangeId(exchange),
        slot,
        api_key: 0,
        api_version: 9,
        correlation_id: exchange as i32,
        rule: None,
        facts: None,
    }
}

fn frame(exchange: u64) -> Bytes {
    Bytes::from(exchange.to_be_bytes().to_vec())
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Forward,
    Reject,
    Twice,
    Hold,
    Release,
    Answer,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Step::{Answer, Forward, Hold, Reject, Release, Twice};
    prop::collection::vec(
        prop_oneof![
            4 => Just(Forward), 1 => Just(Reject), 1 => Just(Twice),
            1 => Just(Hold), 1 => Just(Release), 5 => Just(Answer)
        ],
        0..80,
    )
}

proptest! {
    /// Whatever is held, rejected or sent twice: the client gets each answer once, in its own order, and the
    /// broker's answers are taken for what they are.
    #[test]
    fn clients_get_every_answer_once_in_their_order(steps in steps()) {
        let mut wire = Wire::default();
        let (mut broker, mut held) = (VecDeque::new(), VecDeque::new());
        let (mut asked, mut got) = (0_u64, Vec::new());
        let deliver = |wire: &mut Wire, got: &mut Vec<Bytes>| got.extend(wire.due());
        for step in steps.into_iter().chain(std::iter::repeat_n(Step::Release, 80)).chain(std::iter::repeat_n(Step::Answer, 200)) {
            match step {
                Step::Forward => {
                    asked += 1;
                    let slot = wire.open_slot();
                    wire.forward(request(asked, Some(slot)));
                    broker.push_back(asked);
                }
                Step::Twice => {
                    asked += 1;
                    let slot = wire.open_slot();
                    wire.forward(request(asked, Some(slot)));
                    wire.forward(request(asked, None));
                    broker.extend([asked, asked]);
                }
                Step::Reject => {
                    asked += 1;
                    let slot = wire.open_slot();
                    wire.fill(slot, vec![frame(asked)]);
                }
                Step::Hold => {
                    asked += 1;
                    held.push_back((asked, wire.open_slot()));
                    wire.hold();
                }
                Step::Release => {
                    if let Some((exchange, slot)) = held.pop_front() {
                        wire.let_go();
                        wire.forward(request(exchange, Some(slot)));
                        broker.push_back(exchange);
                    }
                }
                Step::Answer => {
                    if let Some(exchange) = broker.pop_front() {
                        let answered = wire.answered(exchange as i32).map_err(|error| TestCaseError::fail(error.to_string()))?;
                        prop_assert_eq!(answered.exchange, ExchangeId(exchange));
                        if let Some(slot) = answered.slot {
                            if wire.is_first(slot) {
                                wire.streamed(slot);
                                got.push(frame(exchange));
                            } else {
                                wire.fill(slot, vec![frame(exchange)]);
                            }
                        }
                    }
                }
            }
            deliver(&mut wire, &mut got);
        }
        let expected: Vec<_> = (1..=asked).map(frame).collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!((wire.abandon().len(), wire.held(), wire.waiting_bytes()), (0, 0, 0));
    }
}

#[test]
fn an_answer_out_of_step_is_told() {
    let mut wire = Wire::default();
    assert_eq!(
        wire.answered(4).unwrap_err(),
        OutOfStep {
            got: 4,
            expected: None
        }
    );
    let slot = wire.open_slot();
    wire.forward(request(5, Some(slot)));
    assert_eq!(
        wire.answered(4).unwrap_err(),
        OutOfStep {
            got: 4,
            expected: Some(5)
        }
    );
    assert_eq!(wire.answered(5).unwrap().exchange, ExchangeId(5));
}

#[test]
fn nothing_passes_an_answer_that_was_taken_away() {
    let mut wire = Wire::default();
    let (first, second) = (wire.open_slot(), wire.open_slot());
    wire.fill(second, vec![frame(2)]);
    wire.close(first);
    let third = wire.open_slot();
    wire.fill(third, vec![frame(3)]);
    assert_eq!(wire.due(), Vec::<Bytes>::new());
    // What came before is kept, what comes after is not even that.
    assert_eq!(wire.waiting_bytes(), 8);
}
