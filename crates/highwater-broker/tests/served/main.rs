//! The broker as a client sees it: started in this process on a free port, spoken to in frames.

mod bad_input;
mod bugs;
mod bugs_of_groups;
mod bugs_of_transactions;
mod client;
mod cluster;
mod configs;
mod fetch;
mod group_admin;
mod groups;
mod memory;
mod nodes;
mod produce;
mod restart;
mod running;
mod storage;
mod topics;
mod transactional;
mod transactional_versions;
mod transactions;
mod versions;
mod versions_admin;
