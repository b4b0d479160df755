# Run a server with everything in it: local TLS, a gateway, an inbox.
run *ARGS:
    cargo run --bin ringpass -- dev {{ARGS}}

# All checks, or one part: lint, rust, postgres, clients, docs.
test *PARTS:
    scripts/test {{PARTS}}

# Load against the real binary.
bench *ARGS:
    cargo build --release --bin ringpass
    cargo run --release -p ringpass-bench -- {{ARGS}}

fmt:
    cargo fmt --all
