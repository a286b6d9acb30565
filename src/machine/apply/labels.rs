//! Labels of meta nodes and data nodes, which share one space of ids.

use crate::catalog::{Catalog, MAX_LABELS, is_label_key, is_label_value};
use crate::machine::{Refused, SetLabels};

pub(super) fn set(catalog: &mut Catalog, asked: &SetLabels) -> Result<(), Refused> {
    let meta_node = catalog
        .meta_nodes
        .get(&asked.node_id)
        .map(|node| &node.labels);
    let data_node = catalog
        .data_nodes
        .get(&asked.node_id)
        .map(|node| &node.labels);
    let current = meta_node
        .or(data_node)
        .ok_or(Refused::NodeNotFound(asked.node_id))?;
    if !asked.set.keys().all(|key| is_label_key(key)) {
        return Err(Refused::LabelKeySize);
    }
    if let Some((key, _)) = asked.set.iter().find(|(_, value)| !is_label_value(value)) {
        return Err(Refused::LabelValueTooLong { key: key.clone() });
    }
    let mut labels = current.clone();
    labels.retain(|key, _| !asked.delete.contains(key));
    labels.extend(asked.set.clone());
    if labels.len() > MAX_LABELS {
        return Err(Refused::TooManyLabels(asked.node_id));
    }
    let (meta_nodes, data_nodes) = (&mut catalog.meta_nodes, &mut catalog.data_nodes);
    if meta_nodes.contains_key(&asked.node_id) {
        meta_nodes.update(&asked.node_id, |node| node.labels = labels);
    } else {
        data_nodes.update(&asked.node_id, |node| node.labels = labels);
    }
    Ok(())
}
