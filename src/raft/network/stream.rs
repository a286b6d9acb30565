//! Sending side of append requests: pipelined, answers in order, an end frame when the input ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use openraft::errors::RPCError;
use openraft::raft::{AppendEntriesRequest, StreamAppendResult};
use tokio::time::Instant;

use super::conn::{Conn, ConnError};
use super::convert::{append_frame, open_appended, rpc_error};
use super::limits::{IDLE_INTERVAL, MAX_IN_FLIGHT};
use super::peer::Peer;
use crate::raft::types::Types;
use crate::wire::frames::{Appended, Frame, Lane, MemberReport};

/// An exchange of append requests on a connection.
pub(super) struct AppendSession<S> {
    conn: Conn,
    input: S,
    input_ended: bool,
    in_flight: usize,
    /// Timeout for the member's next answer.
    answer_timeout: Duration,
    /// Time of the last frame in either direction that the timeouts count from.
    last_activity: Instant,
}

enum Event {
    Frame(Result<Frame, ConnError>),
    Request(Option<AppendEntriesRequest<Types>>),
    Time,
}

/// Next answer, or `None` if the exchange has ended cleanly.
type NextAnswer = Result<Option<StreamAppendResult<Types>>, ConnError>;

/// Returns the answers of a session. The connection is returned to its peer if the exchange ends
/// cleanly.
pub(super) fn answers<'s, S>(
    session: AppendSession<S>,
    peer: &'s Arc<Peer>,
    lane: Lane,
) -> impl Stream<Item = Result<StreamAppendResult<Types>, RPCError<Types>>> + Send + 's
where
    S: Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin + 's,
{
    futures_util::stream::unfold(Some(session), move |session| async move {
        let mut session = session?;
        match session.next_answer(peer).await {
            Ok(Some(Ok(matching))) => Some((Ok(Ok(matching)), Some(session))),
            // Last answer of an exchange. Answers to requests in flight have no meaning any more:
            // read and drop them.
            Ok(Some(Err(error))) => {
                if session.finish().await.is_ok() {
                    peer.return_connection(lane, session.conn);
                }
                Some((Ok(Err(error)), None))
            }
            Ok(None) => {
                peer.return_connection(lane, session.conn);
                None
            }
            Err(error) => Some((Err(rpc_error(error)), None)),
        }
    })
}

impl<S: Stream<Item = AppendEntriesRequest<Types>> + Unpin> AppendSession<S> {
    pub(super) fn new(conn: Conn, input: S, answer_timeout: Duration) -> Self {
        Self {
            conn,
            input,
            input_ended: false,
            in_flight: 0,
            answer_timeout,
            last_activity: Instant::now(),
        }
    }

    async fn next_answer(&mut self, peer: &Peer) -> NextAnswer {
        loop {
            match self.next_event().await {
                Event::Frame(frame) => {
                    // An answer that waited while this process was stopped has an old clock.
                    let in_time = self.last_activity.elapsed() < self.answer_timeout;
                    self.last_activity = Instant::now();
                    match frame? {
                        Frame::Appended(appended) => {
                            peer.note(MemberReport::default());
                            return Ok(Some(self.answered(appended)));
                        }
                        Frame::AppendedWith(appended, report) => {
                            peer.note(MemberReport {
                                clock: report.clock.filter(|_| in_time),
                                ..report
                            });
                            return Ok(Some(self.answered(appended)));
                        }
                        Frame::End if self.input_ended && self.in_flight == 0 => return Ok(None),
                        Frame::Failed(text) => return Err(ConnError::Failed(text)),
                        Frame::Full => {
                            peer.note(MemberReport {
                                full: true,
                                clock: None,
                            });
                            return Err(ConnError::Full);
                        }
                        _ => return Err(ConnError::Unexpected),
                    }
                }
                Event::Request(Some(request)) => {
                    self.in_flight += 1;
                    self.send(Frame::Append(append_frame(request))).await?;
                }
                Event::Request(None) => {
                    self.input_ended = true;
                    self.send(Frame::End).await?;
                }
                Event::Time if self.awaits_answer() => {
                    return Err(ConnError::Late(self.answer_timeout));
                }
                Event::Time => self.send(Frame::Idle).await?,
            }
        }
    }

    fn answered(&mut self, appended: Appended) -> StreamAppendResult<Types> {
        self.in_flight = self.in_flight.saturating_sub(1);
        open_appended(appended)
    }

    async fn next_event(&mut self) -> Event {
        let deadline = self.last_activity
            + if self.awaits_answer() {
                self.answer_timeout
            } else {
                IDLE_INTERVAL
            };
        let room = !self.input_ended && self.in_flight < MAX_IN_FLIGHT;
        tokio::select! {
            biased;
            frame = self.conn.next() => Event::Frame(frame),
            request = self.input.next(), if room => Event::Request(request),
            () = tokio::time::sleep_until(deadline) => Event::Time,
        }
    }

    /// Returns whether an answer is due.
    fn awaits_answer(&self) -> bool {
        self.in_flight > 0 || self.input_ended
    }

    async fn send(&mut self, frame: Frame) -> Result<(), ConnError> {
        // The timeout for an answer begins with the first request that is not answered.
        if self.in_flight <= 1 {
            self.last_activity = Instant::now();
        }
        self.conn.send(frame).await
    }

    async fn finish(&mut self) -> Result<(), ConnError> {
        if !self.input_ended {
            self.conn.send(Frame::End).await?;
        }
        loop {
            match self.conn.next_within(self.answer_timeout).await? {
                Frame::End => return Ok(()),
                Frame::Appended(_) | Frame::AppendedWith(..) => {}
                _ => return Err(ConnError::Unexpected),
            }
        }
    }
}
