//! A model of Kafka: two topics, transactions that take effect at once or not at all, and a fence.

use crate::account::Event;
use crate::encoding::Codec;
use crate::transfer::Leg;
use crate::window::Written;

pub(super) const PARTITIONS: usize = 3;

#[derive(Debug, Default)]
struct Partition {
    events: Vec<Vec<u8>>,
    legs: Vec<Vec<u8>>,
    taken: usize,
    epoch: u32,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    partitions: [Partition; PARTITIONS],
    codec: Codec,
}

/// Somebody newer has the partition.
#[derive(Debug)]
pub(super) struct Fenced;

/// The partition of an account.
pub(super) fn partition_of(account: &str) -> usize {
    account.bytes().map(usize::from).sum::<usize>() % PARTITIONS
}

impl Log {
    /// A new writer of this partition; whoever wrote to it can't any more.
    pub(super) fn fence(&mut self, partition: usize) -> u32 {
        self.partitions[partition].epoch += 1;
        self.partitions[partition].epoch
    }

    pub(super) fn events(&self, partition: usize) -> impl Iterator<Item = Event> {
        self.partitions[partition]
            .events
            .iter()
            .map(|record| self.codec.read(record).unwrap())
    }

    pub(super) fn leg(&self, partition: usize, offset: usize) -> Option<Leg> {
        self.partitions[partition]
            .legs
            .get(offset)
            .map(|record| self.codec.read(record).unwrap())
    }

    /// The offset of the first leg that is not taken.
    pub(super) fn taken(&self, partition: usize) -> usize {
        self.partitions[partition].taken
    }

    /// One transaction: all of it, or nothing.
    pub(super) fn commit(
        &mut self,
        partition: usize,
        epoch: u32,
        written: &[Written],
        taken: usize,
    ) -> Result<(), Fenced> {
        if self.partitions[partition].epoch != epoch {
            return Err(Fenced);
        }
        for written in written {
            let event = self.codec.write(&written.event).unwrap();
            self.partitions[partition].events.push(event);
            if let Some(leg) = &written.leg {
                let record = self.codec.write(leg).unwrap();
                self.partitions[partition_of(leg.account.as_str())]
                    .legs
                    .push(record);
            }
        }
        self.partitions[partition].taken = taken;
        Ok(())
    }
}
