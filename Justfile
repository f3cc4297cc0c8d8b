# `just` lists the recipes.
[private]
default:
    @just --list

# Every test
[group('qa')]
test:
    cargo test

# Clippy, and the linters of the outputs' languages
[group('qa')]
lint:
    cargo clippy --all-targets -- --deny warnings
    .ci/lint

# Format the code
[group('qa')]
fmt:
    cargo fmt --all

# What must hold before a change lands
[group('qa')]
ci:
    bash .ci/run

# Measure the stages and the process
[group('qa')]
bench:
    cargo bench --bench stages
    bash tests/bench/process.sh

# Write the outputs
[group('gen')]
render *ARGS:
    cargo run --quiet -- render {{ ARGS }}

# Compare the outputs with the spec
[group('gen')]
check *ARGS:
    cargo run --quiet -- check {{ ARGS }}

# Have the outputs checked by the programs that read them
[group('gen')]
verify *ARGS:
    .ci/checkers cargo run --quiet -- verify {{ ARGS }}

# Start the stack
[group('dev')]
up *ARGS:
    cargo run --quiet -- dev up {{ ARGS }}

# Stop the stack
[group('dev')]
down *ARGS:
    cargo run --quiet -- dev down {{ ARGS }}

# Build the images that no registry has
[group('dev')]
build *ARGS:
    cargo run --quiet -- dev build {{ ARGS }}

# Show what the services say
[group('dev')]
logs *ARGS:
    cargo run --quiet -- dev logs {{ ARGS }}

# List the services
[group('dev')]
ps *ARGS:
    cargo run --quiet -- dev ps {{ ARGS }}

# Stop services and start them again
[group('dev')]
restart *ARGS:
    cargo run --quiet -- dev restart {{ ARGS }}

# Set up the schema of the databases
[group('dev')]
schema *ARGS:
    cargo run --quiet -- dev schema setup {{ ARGS }}

# Terraform: apply, destroy, output
[group('dev')]
infra *ARGS:
    cargo run --quiet -- dev infra {{ ARGS }}

# Look for what could keep the stack from running
[group('dev')]
doctor *ARGS:
    cargo run --quiet -- dev doctor {{ ARGS }}

# The variables of .env: check, fill
[group('dev')]
env *ARGS:
    cargo run --quiet -- dev env {{ ARGS }}
