//! Bounds of a node's labels. They leave room for operators' words and keep snapshots small.

/// Maximum number of labels of one node.
pub const MAX_LABELS: usize = 64;
/// Maximum length of a key, in bytes.
pub const MAX_LABEL_KEY_LEN: usize = 128;
/// Maximum length of a value, in bytes.
pub const MAX_LABEL_VALUE_LEN: usize = 1024;

pub fn is_label_key(key: &str) -> bool {
    (1..=MAX_LABEL_KEY_LEN).contains(&key.len())
}

pub fn is_label_value(value: &str) -> bool {
    value.len() <= MAX_LABEL_VALUE_LEN
}
