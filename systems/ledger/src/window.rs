//! The accounts of one partition, and what was decided since the last commit.
//!
//! ```text
//!  command, leg ─▶ decide ─▶ apply (for the time being) ─▶ to be written
//!                                │                             │ transaction
//!                     aborted ◀──┴── those who wait ◀── committed
//! ```
//!
//! Invariant: who waits hears of it after the commit, refusals and repeats included: they may rest on events of the
//! same window.
//! Not here: the transaction itself.

use std::collections::HashMap;

use crate::account::{
    Account, AccountId, Answer, ApplyError, Command, Decision, Event, Refusal, decide, decide_leg,
};
use crate::flaw::{Flaw, planted};
use crate::transfer::{Leg, next_leg};

/// An event to be written, and the leg that is to be written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// For the events topic, under the name of its account.
    pub event: Event,
    /// For the legs topic, under the name of its account.
    pub leg: Option<Leg>,
}

/// What somebody who waits is told.
pub type Told = Result<Answer, Refusal>;

/// The accounts of one partition, with one open window. `W` is whoever waits for an answer.
#[derive(Debug)]
pub struct Window<W> {
    accounts: HashMap<AccountId, Account>,
    /// How accounts were before this window touched them; none: not there.
    before: HashMap<AccountId, Option<Account>>,
    waiting: Vec<(W, Told)>,
}

impl<W> Default for Window<W> {
    fn default() -> Self {
        Self {
            accounts: HashMap::new(),
            before: HashMap::new(),
            waiting: Vec::new(),
        }
    }
}

impl<W> Window<W> {
    /// Takes an event that is in the log.
    ///
    /// # Errors
    /// [`ApplyError`]: the log is not what one writer wrote in order.
    pub fn replay(&mut self, event: &Event) -> Result<(), ApplyError> {
        if let Some(account) = self.accounts.get_mut(&event.account) {
            return account.apply(event);
        }
        let mut account = Account::new(event.account.clone());
        account.apply(event)?;
        self.accounts.insert(event.account.clone(), account);
        Ok(())
    }

    /// Decides a command; `waiter` is told after the commit. What is returned is to be written in this transaction.
    pub fn command(&mut self, command: &Command, at_ms: u64, waiter: W) -> Option<Written> {
        let fresh;
        let account = match self.accounts.get(&command.account) {
            Some(account) => account,
            None => {
                fresh = Account::new(command.account.clone());
                &fresh
            }
        };
        let (told, event) = match decide(account, command, at_ms) {
            Ok(Decision::New(event)) => {
                let answer = Answer {
                    version: event.sequence + 1,
                    balance: event.balance,
                };
                (Ok(answer), Some(event))
            }
            Ok(Decision::Repeated(answer)) => (Ok(answer), None),
            Err(refusal) => (Err(refusal), None),
        };
        self.waiting.push((waiter, told));
        event.map(|event| self.take(event))
    }

    /// Takes a step of a transfer; none if it was taken before.
    pub fn leg(&mut self, leg: &Leg, at_ms: u64) -> Option<Written> {
        let event = match self.accounts.get(&leg.account) {
            Some(account) => decide_leg(account, leg, at_ms),
            None => decide_leg(&Account::new(leg.account.clone()), leg, at_ms),
        }?;
        Some(self.take(event))
    }

    /// How many wait for the commit.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The account, as it is with this window.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// How many accounts have a history here.
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The transaction is committed: who is to be told what.
    pub fn committed(&mut self) -> Vec<(W, Told)> {
        self.before.clear();
        std::mem::take(&mut self.waiting)
    }

    /// The transaction is aborted, for certain: the accounts are as they were, and these got nothing.
    pub fn aborted(&mut self) -> Vec<W> {
        for (id, account) in std::mem::take(&mut self.before) {
            if planted(Flaw::KeepAborted) {
                continue;
            }
            match account {
                Some(account) => self.accounts.insert(id, account),
                None => self.accounts.remove(&id),
            };
        }
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(waiter, _)| waiter)
            .collect()
    }

    /// What the flaw of answering early would say by now.
    #[cfg(test)]
    pub(crate) fn told_early(&mut self) -> Vec<(W, Told)> {
        if planted(Flaw::AnswerEarly) {
            std::mem::take(&mut self.waiting)
        } else {
            Vec::new()
        }
    }

    fn take(&mut self, event: Event) -> Written {
        let id = &event.account;
        if !self.before.contains_key(id) {
            self.before.insert(id.clone(), self.accounts.get(id).cloned());
        }
        let account = self
            .accounts
            .entry(id.clone())
            .or_insert_with(|| Account::new(id.clone()));
        // What was decided on an account can be applied to it: that is the invariant of `decide`. Were it ever broken,
        // the next reader of the log would name the event.
        let applied = account.apply(&event);
        debug_assert!(applied.is_ok() || cfg!(test), "{applied:?}");
        let leg = next_leg(&event);
        Written { event, leg }
    }
}
