# `just` lists the recipes.
[private]
default:
    @just --list

# Run the tests
[group('qa')]
test:
    cargo test

# Run clippy and the linters of the outputs' languages
[group('qa')]
lint:
    cargo clippy --all-targets -- --deny warnings
    .ci/lint

# Format the code
[group('qa')]
fmt:
    cargo fmt --all

# Run all checks of CI
[group('qa')]
ci:
    bash .ci/run

# Run the benchmarks
[group('qa')]
bench:
    cargo bench --bench stages
    bash tests/bench/process.sh

# Write the outputs
[group('gen')]
render *ARGS:
    cargo run --quiet -- render {{ ARGS }}

# Check that the outputs are up to date
[group('gen')]
check *ARGS:
    cargo run --quiet -- check {{ ARGS }}

# Validate the outputs with the programs that read them
[group('gen')]
verify *ARGS:
    .ci/checkers cargo run --quiet -- verify {{ ARGS }}

# Start the stack
[group('dev')]
dev-up *ARGS:
    cargo run --quiet -- dev up {{ ARGS }}

# Stop the stack
[group('dev')]
dev-down *ARGS:
    cargo run --quiet -- dev down {{ ARGS }}

# Build the images that are not pulled from a registry
[group('dev')]
dev-build *ARGS:
    cargo run --quiet -- dev build {{ ARGS }}

# Show the logs of services
[group('dev')]
dev-logs *ARGS:
    cargo run --quiet -- dev logs {{ ARGS }}

# List the services
[group('dev')]
dev-ps *ARGS:
    cargo run --quiet -- dev ps {{ ARGS }}

# Restart services
[group('dev')]
dev-restart *ARGS:
    cargo run --quiet -- dev restart {{ ARGS }}

# Make the published ports of a service in Kubernetes reachable on this machine
[group('dev')]
dev-forward *ARGS:
    cargo run --quiet -- dev forward {{ ARGS }}

# Set up database schemas
[group('dev')]
dev-schema *ARGS:
    cargo run --quiet -- dev schema setup {{ ARGS }}

# Run Terraform: apply, destroy, output
[group('dev')]
dev-infra *ARGS:
    cargo run --quiet -- dev infra {{ ARGS }}

# Check for anything that would prevent the stack from running
[group('dev')]
dev-doctor *ARGS:
    cargo run --quiet -- dev doctor {{ ARGS }}

# Check or fill the variables of .env
[group('dev')]
dev-env *ARGS:
    cargo run --quiet -- dev env {{ ARGS }}
