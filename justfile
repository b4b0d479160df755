# Run a server with everything in it: local TLS, a gateway, an inbox.
run *ARGS:
    cargo run --bin ringpass -- dev {{ARGS}}

# All checks, or one part: lint, rust, postgres, clients, docs.
test *PARTS:
    scripts/test {{PARTS}}

# Load against the real binary, in turns with the floor it is compared with. See bench/README.md for the flags.
bench *ARGS:
    cargo build --release --workspace --bins && "${CARGO_TARGET_DIR:-target}/release/login" --with-floor {{ARGS}}

fmt:
    cargo fmt --all
