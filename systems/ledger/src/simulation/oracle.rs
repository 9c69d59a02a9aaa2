//! What must be true of the committed log and of what clients were told, told from the clients' side and by arithmetic
//! of its own.

use std::collections::BTreeMap;

use crate::account::{Account, Action, Answer, Command, Event, Fact};
use crate::transfer::{Stage, advance};

#[derive(Debug, Default)]
pub(super) struct Oracle {
    accounts: BTreeMap<String, Account>,
    /// What clients asked, by account and request.
    asked: BTreeMap<(String, String), Command>,
    /// What was carried out, and the answer to it.
    done: BTreeMap<(String, String), Answer>,
    transfers: BTreeMap<String, (Stage, i64)>,
    balances: BTreeMap<String, i64>,
    put_in: i64,
    under_way: i64,
}

impl Oracle {
    pub(super) fn asked(&mut self, command: &Command) {
        self.asked.insert(name_of(command), command.clone());
    }

    /// An event is committed; they come in the order of the commits.
    pub(super) fn committed(&mut self, event: &Event) -> Result<(), String> {
        let id = event.account.as_str().to_owned();
        let account = self
            .accounts
            .entry(id.clone())
            .or_insert_with(|| Account::new(event.account.clone()));
        account.apply(event).map_err(|error| error.to_string())?;
        if let Some((request, action)) = event.fact.asked() {
            let name = (id.clone(), request.as_str().to_owned());
            let command = self
                .asked
                .get(&name)
                .ok_or_else(|| format!("nobody asked for {name:?}"))?;
            if command.action != action {
                return Err(format!(
                    "{name:?} asked for {:?} and got {action:?}",
                    command.action
                ));
            }
            if command
                .expected
                .is_some_and(|expected| expected != event.sequence)
            {
                return Err(format!(
                    "{name:?} was carried out at {} against its expected version",
                    event.sequence
                ));
            }
            let answer = Answer {
                version: event.sequence + 1,
                balance: event.balance,
            };
            if self.done.insert(name.clone(), answer).is_some() {
                return Err(format!("{name:?} was carried out twice"));
            }
        }
        self.money(&id, event)?;
        self.transfer(event)
    }

    fn money(&mut self, id: &str, event: &Event) -> Result<(), String> {
        let cents = |cents: crate::account::Cents| i64::try_from(cents.0).unwrap();
        let (change, put_in, under_way) = match &event.fact {
            Fact::Deposited { cents: c, .. } => (cents(*c), cents(*c), 0),
            Fact::Withdrawn { cents: c, .. } => (-cents(*c), -cents(*c), 0),
            Fact::TransferBegun { cents: c, .. } => (-cents(*c), 0, cents(*c)),
            Fact::TransferReceived { cents: c, .. } | Fact::TransferReversed { cents: c, .. } => {
                (cents(*c), 0, -cents(*c))
            }
            Fact::TransferDeclined { .. } | Fact::TransferCompleted { .. } => (0, 0, 0),
        };
        if change != event.fact.change() {
            return Err(format!("{} changes the balance by {change}", event.fact.name()));
        }
        let balance = self.balances.entry(id.to_owned()).or_default();
        *balance += change;
        if *balance < 0 || *balance != cents(event.balance) {
            return Err(format!(
                "{id} has {balance}, and its event says {}",
                event.balance
            ));
        }
        self.put_in += put_in;
        self.under_way += under_way;
        let sum: i64 = self.balances.values().sum();
        if sum + self.under_way != self.put_in {
            return Err(format!(
                "{sum} and {} under way, of {} put in",
                self.under_way, self.put_in
            ));
        }
        Ok(())
    }

    fn transfer(&mut self, event: &Event) -> Result<(), String> {
        let Some(transfer) = event.transfer() else {
            return Ok(());
        };
        let name = transfer.to_string();
        let (stage, mut amount) = self
            .transfers
            .get(&name)
            .map_or((None, 0), |(stage, amount)| (Some(*stage), *amount));
        let next = advance(stage, &event.fact).map_err(|error| format!("{name}: {error}"))?;
        amount += match event.fact {
            Fact::TransferDeclined { .. } | Fact::TransferCompleted { .. } => 0,
            _ => event.fact.change(),
        };
        if let Some(next) = next {
            self.transfers.insert(name, (next, amount));
        }
        Ok(())
    }

    /// A client was told that its request was carried out.
    pub(super) fn told(&self, command: &Command, answer: &Answer) -> Result<(), String> {
        let name = name_of(command);
        match self.done.get(&name) {
            Some(done) if done == answer => Ok(()),
            done => Err(format!("{name:?} was told {answer:?}, and the log has {done:?}")),
        }
    }

    pub(super) fn is_done(&self, command: &Command) -> bool {
        self.done.contains_key(&name_of(command))
    }

    /// Everything was taken: all transfers have ended, and the money is where clients put it.
    pub(super) fn at_rest(&self) -> Result<(), String> {
        for (name, (stage, amount)) in &self.transfers {
            if !matches!(stage, Stage::Completed | Stage::Reversed) {
                return Err(format!("the transfer {name} never ended, it is at {stage:?}"));
            }
            if *amount != 0 {
                return Err(format!("the transfer {name} made or lost {amount}"));
            }
        }
        let by_clients: i64 = self
            .done
            .keys()
            .map(|name| match &self.asked[name].action {
                Action::Deposit(cents) => cents.signed(),
                Action::Withdraw(cents) => -cents.signed(),
                Action::Transfer { .. } => 0,
            })
            .sum();
        let sum: i64 = self.balances.values().sum();
        if sum != by_clients {
            return Err(format!("accounts hold {sum}, and clients put in {by_clients}"));
        }
        Ok(())
    }
}

fn name_of(command: &Command) -> (String, String) {
    (
        command.account.as_str().to_owned(),
        command.request.as_str().to_owned(),
    )
}
