use proptest::prelude::*;

use super::*;
use crate::transfer::{Leg, Outcome, Step};

fn id(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

fn request(name: &str) -> RequestId {
    RequestId::new(name).unwrap()
}

fn command(name: &str, expected: Option<u64>, action: Action) -> Command {
    Command {
        account: id("alice"),
        request: request(name),
        expected,
        action,
    }
}

fn to_bob(cents: u64) -> Action {
    Action::Transfer {
        to: id("bob"),
        cents: Cents(cents),
    }
}

/// Carries out what is new.
fn send(account: &mut Account, command: &Command) -> Result<Decision, Refusal> {
    let decision = decide(account, command, 7)?;
    if let Decision::New(event) = &decision {
        account.apply(event).unwrap();
    }
    Ok(decision)
}

/// Alice, with a deposit of 500 and a transfer of 100 under way: version 2, balance 400.
fn alice() -> Account {
    let mut account = Account::new(id("alice"));
    send(&mut account, &command("d1", None, Action::Deposit(Cents(500)))).unwrap();
    send(&mut account, &command("t1", None, to_bob(100))).unwrap();
    account
}

#[test]
fn every_refusal_says_what_to_do() {
    for (name, expected, action, refused, said) in [
        (
            "w",
            None,
            Action::Withdraw(Cents(401)),
            "insufficient-funds",
            "alice has 4.00 and not 4.01: ask for less, or deposit first",
        ),
        (
            "t",
            None,
            to_bob(401),
            "insufficient-funds",
            "alice has 4.00 and not 4.01: ask for less, or deposit first",
        ),
        (
            "z",
            None,
            Action::Deposit(Cents(0)),
            "no-amount",
            "an amount of zero moves nothing: say how many cents",
        ),
        (
            "s",
            None,
            Action::Transfer {
                to: id("alice"),
                cents: Cents(1),
            },
            "same-account",
            "alice can't transfer to itself: name another account",
        ),
        (
            "m",
            None,
            Action::Deposit(Cents(MAX_CENTS - 499)),
            "too-much",
            "an account holds at most 10000000000.00, transfers under way included: deposit less",
        ),
        (
            "o",
            None,
            Action::Deposit(Cents(u64::MAX)),
            "too-much",
            "an account holds at most 10000000000.00, transfers under way included: deposit less",
        ),
        (
            "v",
            Some(1),
            Action::Deposit(Cents(1)),
            "version-conflict",
            "alice has version 2 and not 1: read it again, and decide again",
        ),
        (
            "d1",
            None,
            Action::Deposit(Cents(499)),
            "request-reused",
            "this request id asked alice for something else before: use a new id for a new request",
        ),
    ] {
        let refusal = decide(&alice(), &command(name, expected, action), 7).unwrap_err();
        assert_eq!(
            (refusal.name(), refusal.to_string().as_str()),
            (refused, said),
            "{name}"
        );
    }
    let unopened = Account::new(id("alice"));
    for action in [Action::Withdraw(Cents(1)), to_bob(1)] {
        let refusal = decide(&unopened, &command("u", None, action), 7).unwrap_err();
        assert_eq!(refusal.name(), "unknown-account");
    }
    assert!(
        decide(
            &alice(),
            &command("m", None, Action::Deposit(Cents(MAX_CENTS - 500))),
            7
        )
        .is_ok()
    );
}

#[test]
fn a_repeated_request_gets_its_first_answer() {
    let mut account = alice();
    send(&mut account, &command("w1", Some(2), Action::Withdraw(Cents(50)))).unwrap();
    for (again, version, balance) in [
        (command("d1", None, Action::Deposit(Cents(500))), 1, 500),
        (command("t1", Some(77), to_bob(100)), 2, 400),
        (command("w1", Some(2), Action::Withdraw(Cents(50))), 3, 350),
    ] {
        let first = Answer {
            version,
            balance: Cents(balance),
        };
        assert_eq!(decide(&account, &again, 9), Ok(Decision::Repeated(first)));
    }
}

#[test]
fn the_last_requests_are_remembered_and_those_under_way() {
    let mut account = alice();
    for number in 0..REMEMBERED_REQUESTS {
        send(
            &mut account,
            &command(&format!("n{number}"), None, Action::Deposit(Cents(1))),
        )
        .unwrap();
    }
    let again = |name: &str, action| {
        matches!(
            decide(&account, &command(name, None, action), 9),
            Ok(Decision::Repeated(_))
        )
    };
    assert!(again("n0", Action::Deposit(Cents(1))));
    assert!(
        !again("d1", Action::Deposit(Cents(500))),
        "it is as old as the document says"
    );
    assert!(again("t1", to_bob(100)), "it is under way");
}

#[test]
fn a_declined_transfer_comes_back_once() {
    let mut account = alice();
    let settle = |outcome| Leg {
        account: id("alice"),
        transfer: TransferId {
            from: id("alice"),
            request: request("t1"),
        },
        step: Step::Settle(outcome),
    };
    assert_eq!(account.held(), Cents(100));
    let declined = settle(Outcome::Declined(Decline::UnknownAccount));
    let event = decide_leg(&account, &declined, 8).unwrap();
    assert_eq!(
        (event.fact.name(), event.balance),
        ("transfer-reversed", Cents(500))
    );
    account.apply(&event).unwrap();
    assert_eq!((account.held(), account.balance()), (Cents(0), Cents(500)));
    assert_eq!(decide_leg(&account, &declined, 8), None);
    assert_eq!(decide_leg(&account, &settle(Outcome::Received), 8), None);
}

#[test]
fn transfers_under_way_are_limited() {
    let mut account = Account::new(id("alice"));
    send(&mut account, &command("d", None, Action::Deposit(Cents(5_000)))).unwrap();
    for number in 0..MAX_OPEN_TRANSFERS {
        send(&mut account, &command(&format!("t{number}"), None, to_bob(1))).unwrap();
    }
    let refusal = send(&mut account, &command("more", None, to_bob(1))).unwrap_err();
    assert_eq!(refusal.name(), "too-many-open-transfers");
}

#[test]
fn an_event_that_does_not_follow_is_named() {
    let event = |sequence, balance, fact| Event {
        account: id("alice"),
        sequence,
        at_ms: 7,
        balance: Cents(balance),
        fact,
    };
    let withdrawn = |cents| Fact::Withdrawn {
        request: request("w"),
        cents: Cents(cents),
    };
    let completed = Fact::TransferCompleted {
        request: request("nobody"),
    };
    for (event, said) in [
        (
            event(1, 399, withdrawn(1)),
            "event 1 of alice came where 2 was due",
        ),
        (
            event(3, 399, withdrawn(1)),
            "event 3 of alice came where 2 was due",
        ),
        (
            event(2, 398, withdrawn(1)),
            "event 2 of alice says a balance of 3.98; 3.99 follows from those before",
        ),
        (
            event(2, 0, withdrawn(401)),
            "event 2 of alice says a balance of 0.00; less than zero follows from those before",
        ),
        (
            event(2, 400, completed),
            "event 2 of alice settles the transfer nobody, which is not under way",
        ),
    ] {
        assert_eq!(alice().apply(&event).unwrap_err().to_string(), said);
    }
    let foreign = Event {
        account: id("bob"),
        ..event(2, 399, withdrawn(1))
    };
    assert_eq!(
        alice().apply(&foreign).unwrap_err().to_string(),
        "an event of bob among those of alice"
    );
}

proptest! {
    /// Whatever is asked in whatever order: what is decided can be applied, and no balance is below zero or above the
    /// limit, transfers under way included.
    #[test]
    fn what_is_decided_can_be_applied(asked in prop::collection::vec((0..4_u8, 0..40_u8, 0..MAX_CENTS), 1..80)) {
        let mut account = Account::new(id("alice"));
        for (kind, name, cents) in asked {
            let cents = Cents(cents);
            let name = format!("r{name}");
            if kind == 3 {
                let transfer = TransferId { from: id("bob"), request: request(&name) };
                let leg = Leg { account: id("alice"), transfer, step: Step::Receive(cents) };
                if let Some(event) = decide_leg(&account, &leg, 7) {
                    account.apply(&event).unwrap();
                }
            } else {
                let action = match kind {
                    0 => Action::Deposit(cents),
                    1 => Action::Withdraw(cents),
                    _ => to_bob(cents.0),
                };
                let _ = send(&mut account, &command(&name, None, action));
            }
            let most = account.balance().plus(account.held()).unwrap();
            prop_assert!(most.0 <= MAX_CENTS, "{most}");
        }
    }
}
