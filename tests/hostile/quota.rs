//! The limit of the catalog, and entries that kill the node that applies them.
