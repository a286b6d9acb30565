//! What a label of a node may be: enough for people's words, and never a weight on every snapshot.

/// The most labels of one node.
pub const MAX_LABELS: usize = 64;
/// The longest key, in bytes.
pub const MAX_LABEL_KEY_LEN: usize = 128;
/// The longest value, in bytes.
pub const MAX_LABEL_VALUE_LEN: usize = 1024;

pub fn is_label_key(key: &str) -> bool {
    (1..=MAX_LABEL_KEY_LEN).contains(&key.len())
}

pub fn is_label_value(value: &str) -> bool {
    value.len() <= MAX_LABEL_VALUE_LEN
}
