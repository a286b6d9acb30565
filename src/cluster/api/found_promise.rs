//! The promise not to found a cluster (founding.md 8), on a node that waits for an operator. If two
//! fresh nodes are told at the same time to join each other, it makes sure that only one founds.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::refusal::{NotYet, Refusal};

use crate::runtime::lock;

/// Lifetime of a promise. The node that got it founds and invites within seconds.
const PROMISE_LIFETIME: Duration = Duration::from_secs(10);

/// The present promise of this node, or its own attempt to found.
#[derive(Debug, Default)]
pub(super) struct FoundPromises(Mutex<FoundPromise>);

#[derive(Debug, Default)]
enum FoundPromise {
    #[default]
    Idle,
    /// This node asks another one for its promise.
    Asking,
    /// The order to found is given. It may be executed even if its caller no longer waits, so this
    /// incarnation gives no promise any more.
    Founding {
        me: Incarnation,
    },
    Promised {
        until: Instant,
    },
}

impl FoundPromises {
    /// Begins an attempt to found, which ends when the guard is dropped.
    ///
    /// # Errors
    /// Another attempt is under way, or another node was promised that this one does not found.
    pub(super) fn begin(&self, me: Incarnation) -> Result<FoundingGuard<'_>, Refusal> {
        let mut now = lock(&self.0);
        match *now {
            FoundPromise::Founding { me: founding } if founding == me => Ok(FoundingGuard {
                promises: self,
                me,
                then: FoundPromise::Founding { me },
            }),
            FoundPromise::Asking => Err(Refusal::NotYet(NotYet::AnotherRequest)),
            FoundPromise::Promised { until } if Instant::now() < until => {
                Err(Refusal::NotYet(NotYet::PromisedNotToFound))
            }
            FoundPromise::Idle | FoundPromise::Founding { .. } | FoundPromise::Promised { .. } => {
                *now = FoundPromise::Asking;
                Ok(FoundingGuard {
                    promises: self,
                    me,
                    then: FoundPromise::Idle,
                })
            }
        }
    }

    /// Promises not to found for [`PROMISE_LIFETIME`].
    ///
    /// # Errors
    /// This node is about to found, or has given its promise to another node.
    pub(super) fn promise(&self, me: Incarnation) -> Result<(), Refusal> {
        let mut now = lock(&self.0);
        match *now {
            FoundPromise::Asking => Err(Refusal::NotYet(NotYet::AboutToFound)),
            FoundPromise::Founding { me: founding } if founding == me => {
                Err(Refusal::NotYet(NotYet::AboutToFound))
            }
            FoundPromise::Promised { until } if Instant::now() < until => {
                Err(Refusal::NotYet(NotYet::HasPromised))
            }
            FoundPromise::Idle | FoundPromise::Founding { .. } | FoundPromise::Promised { .. } => {
                *now = FoundPromise::Promised {
                    until: Instant::now() + PROMISE_LIFETIME,
                };
                Ok(())
            }
        }
    }
}

/// While it lives, this node gives no promise.
pub(super) struct FoundingGuard<'a> {
    promises: &'a FoundPromises,
    me: Incarnation,
    then: FoundPromise,
}

impl FoundingGuard<'_> {
    /// Called before the order to found is sent: from then on this incarnation gives no promise.
    pub(super) fn founds(&mut self) {
        self.then = FoundPromise::Founding { me: self.me };
        *lock(&self.promises.0) = FoundPromise::Founding { me: self.me };
    }
}

impl Drop for FoundingGuard<'_> {
    fn drop(&mut self) {
        *lock(&self.promises.0) = std::mem::take(&mut self.then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_gives_no_promise_and_who_promised_does_not_ask() {
        let (promises, me) = (FoundPromises::default(), Incarnation([1; 16]));
        let asking = promises.begin(me).expect("idle");
        assert!(promises.promise(me).is_err());
        assert!(promises.begin(me).is_err());
        drop(asking);
        promises.promise(me).expect("idle again");
        assert!(promises.begin(me).is_err());
        assert!(promises.promise(me).is_err());
        tokio::time::advance(PROMISE_LIFETIME).await;
        promises.begin(me).expect("the promise is over").founds();
        assert!(promises.promise(me).is_err(), "it may found at any moment");
        assert!(
            promises.begin(me).is_ok(),
            "a second request waits for the same founding"
        );
        assert!(promises.promise(me).is_err());
        promises
            .promise(Incarnation([2; 16]))
            .expect("that was another incarnation");
    }
}
