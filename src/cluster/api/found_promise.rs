//! Of a node that waits for a person: whether it is about to found, or has promised not to
//! (founding.md 8). So of two fresh nodes that are told to join each other at once only one founds.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::Refusal;
use crate::runtime::lock;

#[derive(Debug, Default)]
pub(in crate::cluster) enum FoundPromise {
    #[default]
    Idle,
    Asking,
    /// The order to found is given, and may be carried out whatever becomes of who asked for it: no
    /// promise any more in this life.
    Founding {
        me: Incarnation,
    },
    Promised {
        until: Instant,
    },
}

/// The one who was promised founds and invites within seconds.
const PROMISE_LIFETIME: Duration = Duration::from_secs(10);

impl FoundPromise {
    /// Begins to ask or to found, until the guard is dropped.
    pub(in crate::cluster) fn ask(
        promise_state: &Mutex<Self>,
        me: Incarnation,
    ) -> Result<FoundingGuard<'_>, Refusal> {
        let mut now = lock(promise_state);
        match *now {
            Self::Founding { me: who } if who == me => Ok(FoundingGuard {
                promise_state,
                me,
                then: Self::Founding { me },
            }),
            Self::Asking => Err(Refusal::NotYet(
                "still joining: another request is under way".to_owned(),
            )),
            Self::Promised { until } if Instant::now() < until => Err(Refusal::NotYet(
                "still joining: this node has promised another one not to found".to_owned(),
            )),
            Self::Idle | Self::Founding { .. } | Self::Promised { .. } => {
                *now = Self::Asking;
                Ok(FoundingGuard {
                    promise_state,
                    me,
                    then: Self::Idle,
                })
            }
        }
    }

    pub(in crate::cluster) fn promise(
        promise_state: &Mutex<Self>,
        me: Incarnation,
    ) -> Result<(), Refusal> {
        let mut now = lock(promise_state);
        match *now {
            Self::Asking => Err(Refusal::NotYet(
                "this node is about to found by itself; ask again".to_owned(),
            )),
            Self::Founding { me: who } if who == me => Err(Refusal::NotYet(
                "this node is about to found by itself; ask again".to_owned(),
            )),
            Self::Promised { until } if Instant::now() < until => Err(Refusal::NotYet(
                "this node has promised another one not to found; ask again".to_owned(),
            )),
            Self::Idle | Self::Founding { .. } | Self::Promised { .. } => {
                *now = Self::Promised {
                    until: Instant::now() + PROMISE_LIFETIME,
                };
                Ok(())
            }
        }
    }
}

/// While it lives, this node gives no promise.
pub(in crate::cluster) struct FoundingGuard<'a> {
    promise_state: &'a Mutex<FoundPromise>,
    me: Incarnation,
    then: FoundPromise,
}

impl FoundingGuard<'_> {
    /// From here on the order to found may be on its way.
    pub(in crate::cluster) fn founds(&mut self) {
        self.then = FoundPromise::Founding { me: self.me };
        *lock(self.promise_state) = FoundPromise::Founding { me: self.me };
    }
}

impl Drop for FoundingGuard<'_> {
    fn drop(&mut self) {
        *lock(self.promise_state) = std::mem::take(&mut self.then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_gives_no_promise_and_who_promised_does_not_ask() {
        let (promise_state, me) = (Mutex::new(FoundPromise::default()), Incarnation([1; 16]));
        let asking = FoundPromise::ask(&promise_state, me).expect("idle");
        assert!(FoundPromise::promise(&promise_state, me).is_err());
        assert!(FoundPromise::ask(&promise_state, me).is_err());
        drop(asking);
        FoundPromise::promise(&promise_state, me).expect("idle again");
        assert!(FoundPromise::ask(&promise_state, me).is_err());
        assert!(FoundPromise::promise(&promise_state, me).is_err());
        tokio::time::advance(PROMISE_LIFETIME).await;
        FoundPromise::ask(&promise_state, me)
            .expect("the promise is over")
            .founds();
        assert!(
            FoundPromise::promise(&promise_state, me).is_err(),
            "it may found any moment"
        );
        assert!(
            FoundPromise::ask(&promise_state, me).is_ok(),
            "who asks again waits for the same founding"
        );
        assert!(FoundPromise::promise(&promise_state, me).is_err());
        FoundPromise::promise(&promise_state, Incarnation([2; 16])).expect("that was another life");
    }
}
