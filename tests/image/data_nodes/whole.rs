//! Conditions that must hold for the stack after every fault.

use std::collections::BTreeMap;

use serde_json::json;

use super::stack::{DATA, META, Stack};
use crate::harness::ctl::data_nodes;
use crate::harness::data_node::Data;
use crate::harness::docker::{SOON, docker};
use crate::harness::{http, wait_for};

impl Stack {
    /// Checks that all three meta nodes vote and have the same catalog, that both data nodes have
    /// it and kept their identity, and that one of them has the lease.
    #[track_caller]
    pub fn assert_whole(&mut self) {
        self.wait_voters();
        let data = self.wait_equal();
        self.kept.assert_in(&data);
        let databases: Vec<_> = data
            .databases
            .iter()
            .map(|database| database.name.as_str())
            .collect();
        for (n, name) in DATA.iter().enumerate() {
            let model = wait_for(&format!("all of the catalog at {name}"), SOON, || {
                let model = http::get(self.data(n), "/model")?.json();
                let there = model["index"].as_u64() >= Some(data.index);
                if there {
                    Ok(model)
                } else {
                    Err(format!("{} of {}", model["index"], data.index))
                }
            });
            assert_eq!(model["databases"], json!(databases), "{name}");
            assert_eq!(model["id"], json!(self.ids[&format!("{name}:8088")]));
            assert_eq!(model["complaints"], json!([]), "{name}");
        }
        assert_eq!(self.shown(), self.ids);
        self.lease.assert_one_holder([self.data(0), self.data(1)]);
    }

    #[track_caller]
    pub fn wait_voters(&self) {
        for (n, name) in META.iter().enumerate() {
            wait_for(&format!("vote of {name}"), SOON, || {
                match http::get(self.meta(n), "/readyz?voter")? {
                    ready if ready.status == 200 => Ok(()),
                    refused => Err(refused.text()),
                }
            });
        }
    }

    #[track_caller]
    fn wait_equal(&self) -> Data {
        wait_for("equal replicas", SOON, || {
            let body = |n| http::get(self.meta(n), "/?index=0").map(|answer| answer.body);
            let mut bodies = (0..META.len()).map(body).collect::<Result<Vec<_>, _>>()?;
            bodies.dedup();
            match bodies.as_slice() {
                [body] => Data::read(body),
                _ => Err("different bodies".to_owned()),
            }
        })
    }

    /// Data nodes as `influxd-ctl` shows them: address → id.
    #[track_caller]
    pub fn shown(&self) -> BTreeMap<String, u64> {
        data_nodes(&docker(&[
            "exec",
            &self.container(META[0]),
            "influxd-ctl",
            "show",
        ]))
    }
}
