//! Slow, many and greedy callers of 8091 and 8089.
