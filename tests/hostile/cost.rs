//! Commands that are cheap to send and expensive to decode, apply, keep or send on.
