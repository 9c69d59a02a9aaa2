//! One account: what may be asked of it, what has happened to it, and what it is after that.
//!
//! ```text
//!  decide(account, command) ─▶ event │ refusal │ the answer that was given before
//!  apply(account, event)    ─▶ account, one version further
//! ```
//!
//! Invariant: the version of an account is the number of its events; their sequence numbers begin at 0 and have no gap.
//! Not here: where events are kept, and which account is whose.

mod cents;
mod command;
mod decide;
mod event;
mod memory;
mod names;
mod refusal;
mod state;

pub use cents::{Cents, MAX_CENTS};
pub use command::{Action, Command};
pub use decide::{Decision, decide, decide_leg};
pub use event::{Event, Fact};
pub use memory::{REMEMBERED_REQUESTS, REMEMBERED_TRANSFERS};
pub use names::{AccountId, MAX_NAME_BYTES, NameError, RequestId, TransferId};
pub use refusal::{Decline, Refusal};
pub use state::{Account, Answer, ApplyError, MAX_OPEN_TRANSFERS};

#[cfg(test)]
mod tests;
