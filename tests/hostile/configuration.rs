//! Values that look right and are not, and tools that must find the node.
