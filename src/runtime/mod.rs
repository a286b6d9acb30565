//! Interfaces to the outside world: tasks, shutdown, signals, and [`Env`] with the clock,
//! randomness, network and disk. A simulation replaces the implementations and runs the same code.
//!
//! Owns: every call that leaves the program's own memory. Never: business rules. Monotonic time is
//! tokio's `Instant` (paused in simulations) and needs no handle.

mod clock;
pub mod disk;
pub mod local;
mod lock;
pub mod memory;
pub mod net;
mod rng;
pub mod signal;
pub mod stdio;
mod tasks;

use std::sync::Arc;

pub use clock::{Clock, SystemClock};
pub use disk::Disk;
pub use lock::lock;
pub use net::Net;
pub use rng::{Rng, SystemRng};
pub use tasks::{TaskHandle, Tasks, spawn_thread};

/// The whole outside world, passed down by value. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub net: Arc<dyn Net>,
    pub disk: Arc<dyn Disk>,
    pub tasks: Tasks,
}

impl Env {
    /// The real world: the system's clock, randomness, sockets and files. Call it inside a tokio
    /// runtime.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            net: Arc::new(net::System::default()),
            disk: Arc::new(disk::System::default()),
            tasks: Tasks::threads(),
        }
    }
}
