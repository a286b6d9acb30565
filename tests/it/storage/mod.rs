//! Durable bytes: acknowledged data is there after every crash, and damage is never silent.

mod attempt_note;
mod crashes;
mod damage;
mod directory;
mod faults;
mod frozen;
mod life;
mod model;
mod reference;
mod snapshots;
mod support;
mod threads;
