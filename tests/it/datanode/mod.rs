//! The client of data nodes, against recorded bytes and against the model of a data node.

mod calls;
mod failures;
mod frames;
mod scripted;
mod status;
