//! Behaviour tests; the tree mirrors the URLs.

mod dev;
