//! A pipeline as its user writes it: a source, a handler, an effect, and what is promised.
//!
//! ```
//! use highwater_pipeline::pipeline::{Failure, Json, Message, Pipeline, ToTopic};
//!
//! #[derive(serde::Deserialize)]
//! struct Order { id: String, cents: u64 }
//! #[derive(serde::Serialize)]
//! struct Invoice { order: String, cents: u64 }
//!
//! let plan = Pipeline::named("billing")
//!     .read("orders", Json::<Order>::new())
//!     .handle(|order| {
//!         if order.value.cents == 0 {
//!             return Err(Failure::poison("an order over nothing"));
//!         }
//!         let invoice = Invoice { order: order.value.id.clone(), cents: order.value.cents };
//!         Ok(vec![Message::keyed(order.value.id.as_bytes(), invoice)])
//!     })
//!     .make(ToTopic::new("invoices", Json::new()))
//!     .exactly_once("billing-1")
//!     .plan()?;
//! assert_eq!(plan.topics().dead_letters, "orders.billing.dead-letters");
//! # Ok::<(), highwater_pipeline::pipeline::PlanError>(())
//! ```
//!
//! What cannot be does not compile: an effect that the handler makes by itself is in no transaction, and there is no
//! exactly-once for it.
//!
//! ```compile_fail,E0277
//! use highwater_pipeline::pipeline::{InHandler, Pipeline, Raw};
//!
//! Pipeline::named("notify")
//!     .read("orders", Raw)
//!     .handle(|_| Ok(()))
//!     .make(InHandler)
//!     .exactly_once("notify-1"); // the trait `Transactional` is not implemented for `InHandler`
//! ```
//!
//! What can be told only from names and settings is refused when the plan is made, before anything connects.
//!
//! Invariant: a plan that exists keeps what it promises, as far as settings and topics can break it.
//! Not here: running it.

mod builder;
mod effect;
mod failure;
mod payload;
mod plan;

pub use builder::{Handling, Named, Pipeline, Reading};
pub use effect::{Effect, InHandler, Made, Message, Outgoing, ToDatabase, ToTopic, Transactional};
pub use failure::Failure;
pub use payload::{Decode, Encode, Json, PayloadError, Raw};
pub use plan::{Incoming, Plan, PlanError, Topics};
