//! Verbs used by two doors, or that send.
