//! The bag of handles that every floor above it shares.
