//! Clients, owners of partitions, and what goes wrong between them.

use std::collections::{BTreeMap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::log::{Log, PARTITIONS, partition_of};
use super::oracle::Oracle;
use crate::account::{AccountId, Action, Cents, Command, MAX_CENTS, Refusal, RequestId};
use crate::window::{Told, Window, Written};

/// Nobody deposits to the last one.
const ACCOUNTS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "ghost"];
/// Requests that may come again: far fewer than an account remembers.
const RECENT: usize = 40;

/// An instance that has a partition, or thinks so.
struct Owner {
    epoch: u32,
    window: Window<Command>,
    position: usize,
    written: Vec<Written>,
}

pub(super) struct World {
    rng: ChaCha8Rng,
    log: Log,
    oracle: Oracle,
    owners: Vec<Owner>,
    zombies: Vec<Option<Owner>>,
    recent: VecDeque<Command>,
    requests: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            log: Log::default(),
            oracle: Oracle::default(),
            owners: Vec::new(),
            zombies: (0..PARTITIONS).map(|_| None).collect(),
            recent: VecDeque::new(),
            requests: 0,
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn run(mut self, steps: usize) -> Result<BTreeMap<&'static str, u64>, String> {
        for partition in 0..PARTITIONS {
            let owner = self.start(partition)?;
            self.owners.push(owner);
        }
        for _ in 0..steps {
            self.step()?;
        }
        self.rest()?;
        Ok(self.counts)
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn step(&mut self) -> Result<(), String> {
        let partition = self.rng.random_range(0..PARTITIONS);
        match self.rng.random_range(0..100) {
            0..40 => {
                let command = self.invent();
                self.send(&command)
            }
            40..50 => {
                let again = self.rng.random_range(0..RECENT);
                match self.recent.get(again).cloned() {
                    Some(command) => self.send(&command),
                    None => Ok(()),
                }
            }
            50..70 => {
                self.take_leg(partition);
                Ok(())
            }
            70..74 => {
                self.take_leg_again(partition);
                Ok(())
            }
            74..94 => self.commit(partition),
            94..97 => {
                self.count("crash");
                self.owners[partition] = self.start(partition)?;
                Ok(())
            }
            _ => {
                self.count("takeover");
                let new = self.start(partition)?;
                let old = std::mem::replace(&mut self.owners[partition], new);
                self.zombies[partition] = Some(old);
                Ok(())
            }
        }
    }

    /// An instance takes a partition: it fences the one before, then reads the log.
    fn start(&mut self, partition: usize) -> Result<Owner, String> {
        let epoch = self.log.fence(partition);
        let mut window = Window::default();
        for event in self.log.events(partition) {
            window.replay(&event).map_err(|error| error.to_string())?;
        }
        Ok(Owner {
            epoch,
            window,
            position: self.log.taken(partition),
            written: Vec::new(),
        })
    }

    fn invent(&mut self) -> Command {
        self.requests += 1;
        let account = AccountId::new(ACCOUNTS[self.rng.random_range(0..ACCOUNTS.len())]).unwrap();
        let to = AccountId::new(ACCOUNTS[self.rng.random_range(0..ACCOUNTS.len())]).unwrap();
        let cents = Cents(self.rng.random_range(0..600));
        let action = match self.rng.random_range(0..10) {
            0..3 if account.as_str() == "f" && self.rng.random_bool(0.3) => {
                Action::Deposit(Cents(MAX_CENTS - 2_000))
            }
            0..3 if account.as_str() != "ghost" => Action::Deposit(cents),
            0..5 => Action::Withdraw(cents),
            _ => Action::Transfer { to, cents },
        };
        let expected = self.rng.random_bool(0.2).then(|| {
            let version = self.owners[partition_of(account.as_str())]
                .window
                .account(&account);
            version
                .map_or(0, crate::account::Account::version)
                .saturating_sub(self.rng.random_range(0..2))
        });
        let request = RequestId::new(&format!("r{}", self.requests)).unwrap();
        Command {
            account,
            request,
            expected,
            action,
        }
    }

    fn send(&mut self, command: &Command) -> Result<(), String> {
        if self.oracle.is_done(command) {
            self.count("repeated");
        }
        self.oracle.asked(command);
        self.recent.push_back(command.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let partition = partition_of(command.account.as_str());
        // A client may still know the instance that had the partition before.
        let to_zombie = self.rng.random_bool(0.2);
        let owner = match &mut self.zombies[partition] {
            Some(zombie) if to_zombie => zombie,
            _ => &mut self.owners[partition],
        };
        let written = owner.window.command(command, 0, command.clone());
        owner.written.extend(written);
        let early = owner.window.told_early();
        self.tell(early)
    }

    fn take_leg(&mut self, partition: usize) {
        let owner = &mut self.owners[partition];
        if let Some(leg) = self.log.leg(partition, owner.position) {
            owner.position += 1;
            owner.written.extend(owner.window.leg(&leg, 0));
        }
    }

    /// As a delivery that is at least once would do it.
    fn take_leg_again(&mut self, partition: usize) {
        let back = self.rng.random_range(1..20);
        let owner = &mut self.owners[partition];
        let Some(offset) = owner.position.checked_sub(back) else {
            return;
        };
        if let Some(leg) = self.log.leg(partition, offset) {
            owner.written.extend(owner.window.leg(&leg, 0));
            self.count("leg again");
        }
    }

    fn commit(&mut self, partition: usize) -> Result<(), String> {
        if let Some(mut zombie) = self.zombies[partition].take() {
            let fenced = self
                .log
                .commit(partition, zombie.epoch, &zombie.written, zombie.position);
            if fenced.is_ok() {
                return Err("a zombie was not fenced".to_owned());
            }
            self.count("fenced");
            // It knows for certain that nothing was written, and that it is not the owner.
            zombie.window.aborted();
        }
        let (aborts, dies, unknown, lost) = (
            self.rng.random_bool(0.1),
            self.rng.random_bool(0.1),
            self.rng.random_bool(0.1),
            self.rng.random_bool(0.1),
        );
        let owner = &mut self.owners[partition];
        if aborts {
            // The position goes back with the legs that were taken.
            owner.window.aborted();
            owner.written.clear();
            owner.position = self.log.taken(partition);
            self.count("aborted");
            return Ok(());
        }
        if dies {
            self.owners[partition] = self.start(partition)?;
            self.count("crash");
            return Ok(());
        }
        let written = std::mem::take(&mut owner.written);
        let committed = self.log.commit(partition, owner.epoch, &written, owner.position);
        committed.map_err(|_| "the owner was fenced".to_owned())?;
        for written in &written {
            self.oracle.committed(&written.event)?;
            match written.event.fact.name() {
                "transfer-received" => self.count("received"),
                "transfer-declined" => self.count("declined"),
                "transfer-reversed" => self.count("reversed"),
                _ => {}
            }
        }
        if unknown {
            self.owners[partition] = self.start(partition)?;
            self.count("commit unknown");
            return Ok(());
        }
        let told = self.owners[partition].window.committed();
        if lost {
            self.count("answer lost");
            return Ok(());
        }
        self.tell(told)
    }

    fn tell(&mut self, told: Vec<(Command, Told)>) -> Result<(), String> {
        let mut heard: Vec<Command> = Vec::new();
        for (command, told) in told {
            match told {
                Ok(answer) => {
                    self.oracle.told(&command, &answer)?;
                    heard.push(command);
                }
                Err(refusal) => {
                    if heard.contains(&command) {
                        return Err(format!("{command:?} was told {refusal}, and it was carried out"));
                    }
                    self.count("refused");
                    if matches!(refusal, Refusal::VersionConflict { .. }) {
                        self.count("conflict");
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything that is under way arrives; then the last requests come once more.
    fn rest(&mut self) -> Result<(), String> {
        self.zombies = (0..PARTITIONS).map(|_| None).collect();
        for partition in 0..PARTITIONS {
            self.owners[partition] = self.start(partition)?;
        }
        loop {
            for partition in 0..PARTITIONS {
                while self.log.leg(partition, self.owners[partition].position).is_some() {
                    self.take_leg(partition);
                }
                self.commit(partition)?;
            }
            if (0..PARTITIONS).all(|partition| self.log.leg(partition, self.log.taken(partition)).is_none()) {
                break;
            }
        }
        self.oracle.at_rest()?;
        let done: Vec<Command> = self
            .recent
            .iter()
            .filter(|command| self.oracle.is_done(command))
            .cloned()
            .collect();
        for command in done {
            let owner = &mut self.owners[partition_of(command.account.as_str())];
            if owner.window.command(&command, 0, command.clone()).is_some() {
                return Err(format!("{command:?} would be carried out twice"));
            }
            let told = owner.window.committed();
            self.tell(told)?;
            self.count("repeated");
        }
        Ok(())
    }
}
