//! The handshake of version 1, byte by byte. Members of every later version must greet like this;
//! otherwise the first step of an upgrade cuts the cluster in two.

use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::auth::PeerPolicy;
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Env, Rng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::cluster::{Options, boot};
use super::world::{TestAdmission, bind, env, ip, replica};
use crate::seeded::Seeded;
use crate::vectors::read;

/// Randomness that makes the listener's nonce the one in the frozen bytes.
struct Always(u8);

impl Rng for Always {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A dialler that is replica 2 means replica 1 and proves the secret. It is admitted and gets
/// exactly the bytes that version 1 sent, the listener's proof included.
#[tokio::test(start_paused = true)]
async fn the_handshake_of_version_1_is_understood_and_answered() {
    let network = Network::new(
        Seeded::new(1),
        Duration::from_millis(1)..Duration::from_millis(2),
    );
    let here = env(network.host(ip(1)), Seeded::new(2), Arc::new(Fake::new()));
    let here = Env {
        rng: Arc::new(Always(6)),
        ..here
    };
    let key = PeerKey::derive("the secret of this cluster").bytes();
    let admission = TestAdmission {
        key: Some(key),
        policy: PeerPolicy::ProofRequired,
        ..TestAdmission::new(replica(1))
    };
    let listener = boot(here, replica(1), ip(1), admission, Options::default())
        .await
        .expect("opens");
    listener.raft.admit();

    let mut stream = network.host(ip(2)).dial(bind(1)).await.expect("it listens");
    stream
        .write_all(&read("compat/v1/handshake/dialler.bin"))
        .await
        .expect("written");
    let want = read("compat/v1/handshake/listener.bin");
    let mut answer = vec![0; want.len()];
    let answered = timeout(Duration::from_secs(1), stream.read_exact(&mut answer)).await;
    answered.expect("answered in time").expect("answered whole");
    assert_eq!(hex::encode(answer), hex::encode(want));
}
