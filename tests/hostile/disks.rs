//! Disks that are full, slow, small, read-only, or unusual.
