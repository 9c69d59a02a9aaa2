use std::collections::HashMap;

use super::{Group, Member, Partition, Process, Value};

/// Names of what steps and findings call by number.
#[derive(Debug, Clone, Default)]
pub struct Names {
    partitions: Interned,
    processes: Interned,
    groups: Interned,
    members: Interned,
    values: Interned,
}

#[derive(Debug, Clone, Default)]
struct Interned {
    by_name: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
}

/// Values with a name of their own; all others are numbers that are shown as such.
const NAMED_VALUES: u64 = 1 << 63;

impl Interned {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.by_name.insert(name.into(), number);
        number
    }

    fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(AsRef::as_ref)
    }
}

impl Names {
    /// The partition of that name: `orders/2`, or a key of Jepsen's.
    pub fn partition(&mut self, name: &str) -> Partition {
        Partition(self.partitions.number(name))
    }

    /// The client of that name.
    pub fn process(&mut self, name: &str) -> Process {
        Process(self.processes.number(name))
    }

    /// The group of that name.
    pub fn group(&mut self, name: &str) -> Group {
        Group(self.groups.number(name))
    }

    /// The member of that name.
    pub fn member(&mut self, name: &str) -> Member {
        Member(self.members.number(name))
    }

    /// A value that is a word. Values that are numbers below 2⁶³ stand for themselves.
    pub fn value(&mut self, name: &str) -> Value {
        Value(NAMED_VALUES | u64::from(self.values.number(name)))
    }

    /// How a partition is called.
    #[must_use]
    pub fn of_partition(&self, partition: Partition) -> &str {
        self.partitions.name(partition.0).unwrap_or("?")
    }

    /// How a client is called.
    #[must_use]
    pub fn of_process(&self, process: Process) -> &str {
        self.processes.name(process.0).unwrap_or("?")
    }

    /// How a group is called.
    #[must_use]
    pub fn of_group(&self, group: Group) -> &str {
        self.groups.name(group.0).unwrap_or("?")
    }

    /// How a member is called.
    #[must_use]
    pub fn of_member(&self, member: Member) -> &str {
        self.members.name(member.0).unwrap_or("?")
    }

    /// How a value is shown.
    #[must_use]
    pub fn of_value(&self, value: Value) -> String {
        let named = (value.0 & NAMED_VALUES != 0)
            .then(|| u32::try_from(value.0 ^ NAMED_VALUES).ok())
            .flatten()
            .and_then(|number| self.values.name(number));
        named.map_or_else(|| value.0.to_string(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_and_back() {
        let mut names = Names::default();
        let (orders, invoices) = (names.partition("orders/0"), names.partition("invoices/0"));
        assert_ne!(orders, invoices);
        assert_eq!(names.partition("orders/0"), orders);
        assert_eq!(names.of_partition(invoices), "invoices/0");
        let word = names.value(":a");
        assert_eq!(names.of_value(word), ":a");
        assert_eq!(names.of_value(Value(17)), "17");
    }
}
