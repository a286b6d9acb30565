//! Copies of a volume that run beside the original, and nodes that are cut off.
