//! Histories by hand: for each finding a bad one in which it is found and a good one in which it is not.

mod groups;
mod pipelines;
mod report;
mod story;
mod transactions;
mod writers;
