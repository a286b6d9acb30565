//! Commands that clients send.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::command;

/// One command after another, for all clients together.
#[derive(Clone)]
pub struct Work {
    name: String,
    count: Option<Arc<AtomicU64>>,
}

impl Work {
    /// The same command each time: the state does not grow.
    pub fn constant() -> Self {
        Self {
            name: "db0".to_owned(),
            count: None,
        }
    }

    /// One more database each time.
    pub fn growing() -> Self {
        Self {
            name: "grown".to_owned(),
            count: Some(Arc::default()),
        }
    }

    pub fn next(&self) -> Vec<u8> {
        match &self.count {
            None => command::create_database(&self.name, None),
            Some(count) => {
                let name = format!("{}{}", self.name, count.fetch_add(1, Ordering::Relaxed));
                command::create_database(&name, None)
            }
        }
    }
}
