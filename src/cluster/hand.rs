//! Of a node that waits for a person: whether it is about to found, or has promised not to (founding.md 8). So of
//! two fresh nodes that are told to join each other at once only one founds.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::Refusal;
use super::shared::lock;

#[derive(Debug, Default)]
pub(super) enum Hand {
    #[default]
    Idle,
    Asking,
    /// The order to found is given, and may be carried out whatever becomes of who asked for it: no promise any more.
    Founding,
    Promised {
        until: Instant,
    },
}

/// The one who was promised founds and invites within seconds.
const PROMISE: Duration = Duration::from_secs(10);

impl Hand {
    /// Begins to ask or to found, until the guard is dropped.
    pub(super) fn ask(hand: &Mutex<Self>) -> Result<Asking<'_>, Refusal> {
        let mut now = lock(hand);
        match *now {
            Self::Founding => Ok(Asking { hand, then: Self::Founding }),
            Self::Asking => Err(Refusal::NotYet("still joining: another request is under way".to_owned())),
            Self::Promised { until } if Instant::now() < until => Err(Refusal::NotYet(
                "still joining: this node has promised another one not to found".to_owned(),
            )),
            Self::Idle | Self::Promised { .. } => {
                *now = Self::Asking;
                Ok(Asking { hand, then: Self::Idle })
            }
        }
    }

    pub(super) fn promise(hand: &Mutex<Self>) -> Result<(), Refusal> {
        let mut now = lock(hand);
        match *now {
            Self::Asking | Self::Founding => {
                Err(Refusal::NotYet("this node is about to found by itself; ask again".to_owned()))
            }
            Self::Promised { until } if Instant::now() < until => {
                Err(Refusal::NotYet("this node has promised another one not to found; ask again".to_owned()))
            }
            Self::Idle | Self::Promised { .. } => {
                *now = Self::Promised { until: Instant::now() + PROMISE };
                Ok(())
            }
        }
    }
}

/// While it lives, this node gives no promise.
pub(super) struct Asking<'a> {
    hand: &'a Mutex<Hand>,
    then: Hand,
}

impl Asking<'_> {
    /// From here on the order to found may be on its way.
    pub(super) fn founds(&mut self) {
        self.then = Hand::Founding;
        *lock(self.hand) = Hand::Founding;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        *lock(self.hand) = std::mem::take(&mut self.then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_gives_no_promise_and_who_promised_does_not_ask() {
        let hand = Mutex::new(Hand::default());
        let asking = Hand::ask(&hand).expect("idle");
        assert!(Hand::promise(&hand).is_err());
        assert!(Hand::ask(&hand).is_err());
        drop(asking);
        Hand::promise(&hand).expect("idle again");
        assert!(Hand::ask(&hand).is_err());
        assert!(Hand::promise(&hand).is_err());
        tokio::time::advance(PROMISE).await;
        Hand::ask(&hand).expect("the promise is over").founds();
        assert!(Hand::promise(&hand).is_err(), "it may found any moment");
        assert!(Hand::ask(&hand).is_ok(), "who asks again waits for the same founding");
        assert!(Hand::promise(&hand).is_err());
    }
}
