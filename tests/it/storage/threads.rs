//! The real disk, and the writer on a thread of its own.

use influxdb_meta::base::LogId;
use influxdb_meta::runtime::Env;
use influxdb_meta::storage::{DataDir, Log};

use super::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_and_a_restart_on_real_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let (env, path) = (Env::real(), folder.path().to_owned());
    let open = |snapshot: Option<LogId>| {
        let (env, path) = (env.clone(), path.clone());
        let tasks = env.tasks.clone();
        async move {
            let opened = tasks.blocking(move || {
                let dir = DataDir::open(&env, &path).expect("opens");
                if dir.load("identity").expect("read").is_none() {
                    dir.store("identity", b"me").expect("stored");
                }
                Log::open(&env, &dir, ME, snapshot).expect("opens")
            });
            opened.await
        }
    };
    let log = open(None).await;
    log.save_vote(vote(4)).await.expect("vote");
    let (done, mut durable) = tokio::sync::mpsc::unbounded_channel();
    // Enough for several segments of 8 MiB.
    for index in 0..300 {
        let done = done.clone();
        let tell = move |result| done.send((index, result)).expect("awaited");
        log.append(vec![sized(4, index, 100_000)], Box::new(tell));
    }
    for index in 0..300 {
        let (answered, result) = durable.recv().await.expect("answered");
        assert_eq!(answered, index);
        result.expect("durable");
    }
    log.purge(id(4, 200)).await.expect("purge");
    log.close().await;
    drop(log);

    let log = open(Some(id(4, 200))).await;
    let found = log.read(0..u64::MAX, usize::MAX);
    assert_eq!(
        found,
        (201..300)
            .map(|index| sized(4, index, 100_000))
            .collect::<Vec<_>>()
    );
    assert_eq!(log.vote(), Some(vote(4)));
    log.close().await;
}
