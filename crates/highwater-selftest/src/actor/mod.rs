//! Clients of the simulated cluster: each does a little whenever it is its turn.

mod member;
mod producer;
mod reader;
mod transactional;

pub(crate) use member::GroupMember;
pub(crate) use producer::PlainProducer;
pub(crate) use reader::SoloReader;
pub(crate) use transactional::TransactionalProducer;

use crate::world::World;

/// What a client wants after its turn.
pub(crate) enum After {
    /// More turns.
    Again,
    /// It is done.
    Over,
    /// It is done, and another one takes its place.
    Replaced(Box<dyn Actor>),
}

/// A client.
pub(crate) trait Actor {
    /// Does a little. While the world drains it begins nothing new.
    fn act(&mut self, world: &mut World) -> After;
}
