//! Settings of the process.
