//! Tasks that run from `attach` on.

use std::sync::Arc;

use futures_util::future::join;

use super::{ClusterApi, Service, apply_watcher, data_nodes, shards};

impl Service {
    /// Gives the service its cluster, which has started: from here on callers see its state. Later
    /// calls change nothing.
    pub fn attach(self: &Arc<Self>, cluster: Arc<dyn ClusterApi>) {
        if self.cluster.set(cluster.clone()).is_ok() {
            apply_watcher::start(&self.env, cluster, self.watcher.clone());
            self.start_leader_tasks();
        }
    }

    /// Starts what a leader does about data nodes without being asked.
    fn start_leader_tasks(self: &Arc<Self>) {
        let tasks = self.env.tasks.clone();
        let add = data_nodes::add_all(Arc::downgrade(self), self.config.add_data.clone());
        let find = shards::find_owners(Arc::downgrade(self));
        self.env.tasks.detach(async move {
            tokio::select! {
                biased;
                () = tasks.stopped() => {}
                _ = join(add, find) => {}
            }
        });
    }
}
