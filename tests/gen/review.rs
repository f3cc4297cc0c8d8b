//! `gen review` in a repository: what each change of the spec means, and how git is asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stackgen::review::{Area, Change, Id, Severity};
use stackgen::spec::source::Sources;

use super::project::{Project, REFERENCE, Run};

/// A stack with what the reference has none of.
pub const SHOP: &str = r#"
[stack]
name = "shop"

[profiles.dev]

[services.web]
image = "nginx:1.29"
ports.http = { published = 8080, target = 80 }
depends_on.db = "service_healthy"
healthcheck = { http = "/", interval = "5s", retries = 3 }
user = "1000"
environment = { TOKEN = "${TOKEN}", TITLE = "Shop" }

[services.db]
image = "postgres:18.1"
volumes = ["data:/var/lib/postgresql"]
healthcheck = { test = ["CMD", "pg_isready"], interval = "5s", retries = 3 }
cap_drop = ["ALL"]
environment.PASSWORD = "${PASSWORD}"

[volumes.data]

[env.TOKEN]
description = "Token of the payment provider"
secret = true

[env.PASSWORD]
description = "Password of the database"
"#;

/// A stack in Kubernetes.
const TEA: &str = r#"
target = "kubernetes"
[stack]
name = "tea"
[profiles.dev]
[kubernetes]
namespace = "tea"
contexts = []
registry = "registry.example.com"
[services.db]
image = "postgres:18.1"
volumes = ["data:/var/lib/postgresql"]
kubernetes = { user = 999, storage = "1g", cpus = 0.1 }
healthcheck.test = ["CMD", "pg_isready"]
[volumes.data]
"#;

/// A project whose spec is committed.
pub struct Repository {
    pub project: Project,
    /// Below the root of the repository.
    folder: &'static str,
}

impl Repository {
    pub fn new(spec: &str) -> Self {
        let repository = Self::of(Project::new(spec));
        repository.commit("Begin");
        repository
    }

    /// A repository without commits.
    pub fn of(project: Project) -> Self {
        let repository = Self { project, folder: "." };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.project.root(), arguments)
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Reviews, and sees to it that neither the work tree nor the index is another afterwards.
    pub fn review(&self, arguments: &[&str]) -> Run {
        let state = || {
            let index = fs::read(self.project.path(".git/index")).unwrap();
            (self.git(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=all"]), index)
        };
        let before = state();
        let run = self.project.run_in(self.folder, &[&["review"], arguments].concat());
        assert_eq!(state(), before);
        run
    }

    /// Each change on a line: severity, area, subject, what happens and the values.
    pub fn changes(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
        let run = self.review(&[&["--format", "json"], arguments].concat());
        assert_eq!(run.stderr, "", "{run:?}");
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let lines = report["changes"].as_array().unwrap().iter().map(|change| {
            let [severity, area, subject, what] = ["severity", "area", "subject", "what"].map(|key| text(&change[key]));
            let values = format!(" [{} -> {}]", text(&change["before"]), text(&change["after"]));
            let values = if values == " [- -> -]" { "" } else { &values };
            format!("{severity} {area} {subject}: {what}{values}")
        });
        (run.code, lines.collect())
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"])
        // Each commit would start two more processes.
        .args(["-c", "maintenance.auto=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes edits of the main file, and compares all changes: dangers and cautions in their order, and notices, which may be
/// cut with `…`.
pub fn case(spec: &str, edits: &[(&str, &str)], expected: &[&str]) {
    let repository = Repository::new(spec);
    for (from, to) in edits {
        let text = repository.project.read("spec/stack.toml");
        assert!(text.contains(from), "`{from}`");
        repository.project.write("spec/stack.toml", text.replace(from, to));
    }
    let (code, found) = repository.changes(&[]);
    let is_notice = |line: &str| line.starts_with("notice ");
    let (mut notices, worse): (Vec<&str>, Vec<&str>) = expected.iter().copied().partition(|line| is_notice(line));
    let (mut found_notices, found_worse): (Vec<&str>, Vec<&str>) =
        found.iter().map(String::as_str).partition(|line| is_notice(line));
    assert_eq!(found_worse, worse, "{edits:?}");
    notices.sort_unstable();
    found_notices.sort_unstable();
    assert_eq!(found_notices.len(), notices.len(), "{edits:?}: {found_notices:#?}");
    for (found, notice) in found_notices.iter().zip(&notices) {
        let start = notice.strip_suffix('…');
        assert!(found == notice || start.is_some_and(|start| found.starts_with(start)), "{edits:?}: {found} {notice}");
    }
    let dangerous = worse.iter().any(|line| line.starts_with("danger "));
    assert_eq!(code, Some(i32::from(dangerous)), "{edits:?}");
}

#[test]
fn what_loses_data() {
    case(
        REFERENCE,
        &[("retention = \"72h\"", "retention = \"48h\"")],
        &[
            "danger retention loki: shortened: older logs are deleted [72h -> 48h]",
            "notice services loki: recreated: configuration file",
        ],
    );
    case(
        REFERENCE,
        &[("retention = \"72h\"", "retention = \"96h\"")],
        &[
            "notice retention loki: logs are kept longer [72h -> 96h]",
            "notice services loki: recreated: configuration file",
        ],
    );
    case(
        REFERENCE,
        &[("retention = \"72h\"", "retention = \"4320m\"")],
        &[
            "notice retention loki: written differently, same value [72h -> 4320m]",
            "notice services loki: recreated: configuration file",
        ],
    );
    // 0 is no limit: to Mimir that is more than any number.
    case(
        REFERENCE,
        &[("max_series = 500_000", "max_series = 0")],
        &[
            "notice limits mimir: `max_series` raised [500000 -> 0]",
            "notice services mimir: recreated: configuration file",
        ],
    );
    case(
        REFERENCE,
        &[
            ("history_shards = 4\n\n[clusters.monitored.dsql]", "history_shards = 8\n\n[clusters.monitored.dsql]"),
            ("pool = 50", "pool = 40"),
            ("guard_window = \"45s\"", "guard_window = \"50s\""),
        ],
        &[
            "danger clusters monitored: `history_shards` cannot be changed: existing workflows belong to shards and would no longer be found [4 -> 8]",
            "notice clusters monitored: `dsql.pool` changed [50 -> 40]",
            "notice clusters monitored: `dsql.reservoir.guard_window` changed [45s -> 50s]",
            "notice services temporal-history: recreated: environment",
            "notice services temporal-frontend: recreated: environment",
            "notice services temporal-matching: recreated: environment",
            "notice services temporal-worker: recreated: environment",
        ],
    );
    case(
        REFERENCE,
        &[(
            "title = \"the monitored cluster\"",
            "title = \"the monitored cluster\"\nvisibility_index = \"temporal_visibility_v1_new\"",
        )],
        &[
            "danger clusters monitored: visibility index changed: the new one starts empty, and executions in the old one are no longer listed [temporal_visibility_v1_monitored -> temporal_visibility_v1_new]",
            "notice services elasticsearch-setup: recreated: command",
            "notice services elasticsearch-setup: `command` changed [\"set -eu\\ntemporal-elasticsearch-tool setup-…",
            "notice services temporal-frontend: recreated: environment",
            "notice services temporal-history: recreated: environment",
            "notice services temporal-matching: recreated: environment",
            "notice services temporal-worker: recreated: environment",
        ],
    );
    case(
        REFERENCE,
        &[("name = \"sre-copilot\"", "name = \"copilot\"")],
        &[
            "danger stack copilot-dev: Compose project changed: new containers are created, and the old ones keep running; volumes start empty [sre-copilot-dev -> copilot-dev]",
        ],
    );
    case(
        SHOP,
        &[("volumes = [\"data:/var/lib/postgresql\"]\n", ""), ("[volumes.data]\n", "")],
        &[
            "danger volumes data: orphaned: its data stays in the engine, but no service uses it [shop-dev_data -> -]",
            "caution mounts db: `/var/lib/postgresql` is no longer a volume: what is written there is lost with the container [data -> -]",
            "notice services db: recreated: mounts",
        ],
    );
    case(
        SHOP,
        &[("[volumes.data]", "[volumes.data]\nname = \"other\"")],
        &["danger volumes data: now a different volume in the engine: the data in the old one is not moved \
             [shop-dev_data -> other]"],
    );
    case(
        SHOP,
        &[("[volumes.data]", "[volumes.data]\ndriver_opts.type = \"tmpfs\"")],
        &["danger volumes data: cannot be changed: Compose must delete it, including its data, and create it again \
             [- -> driver_opts { type = \"tmpfs\" }]"],
    );
}

#[test]
fn what_exposes_something() {
    case(
        SHOP,
        &[("published = 8080", "published = 8080, host_ip = \"0.0.0.0\"")],
        &[
            "danger ports web.http: published on every address of the host: reachable from the network \
           [127.0.0.1 -> 0.0.0.0]",
            "notice services web: recreated: ports",
        ],
    );
    // Dashboards lend AWS credentials, so they need a password as soon as others reach them.
    case(
        REFERENCE,
        &[("ports.http = 3000", "ports.http = { published = 3000, host_ip = \"0.0.0.0\" }")],
        &[
            "danger ports grafana.http: published on every address of the host: reachable from the network \
             [127.0.0.1 -> 0.0.0.0]",
            "notice privileges grafana: its dashboards need a password [true -> false]",
            "notice environment grafana: `GF_AUTH_ANONYMOUS_ENABLED` changed [true -> false]",
            "notice services grafana: recreated: environment, ports",
        ],
    );
    case(
        REFERENCE,
        &[
            ("ports.http = 3000", "ports.http = { published = 3000, host_ip = \"0.0.0.0\" }"),
            ("plugins = [", "anonymous = true\nplugins = ["),
        ],
        &[
            "danger ports grafana.http: published on every address of the host: reachable from the network \
             [127.0.0.1 -> 0.0.0.0]",
            "notice services grafana: recreated: ports",
        ],
    );
    let closed = REFERENCE.replace("plugins = [", "anonymous = false\nplugins = [");
    case(
        &closed,
        &[("anonymous = false", "anonymous = true")],
        &[
            "caution privileges grafana: its dashboards and the queries of its datasources no longer need a password \
             [false -> true]",
            "notice services grafana: recreated: environment",
            "notice environment grafana: `GF_AUTH_ANONYMOUS_ENABLED` changed [false -> true]",
        ],
    );
    case(
        SHOP,
        &[("name = \"shop\"", "name = \"shop\"\nbind = \"192.168.0.2\"")],
        &[
            "danger ports web.http: published on a host address that other machines can reach [127.0.0.1 -> 192.168.0.2]",
            "notice services web: recreated: ports",
        ],
    );
    case(
        SHOP,
        &[("published = 8080", "published = 9080")],
        &["notice ports web.http: host port changed [8080 -> 9080]", "notice services web: recreated: ports"],
    );
    case(
        SHOP,
        &[("published = 8080, ", "")],
        &["notice ports web.http: no longer published [127.0.0.1:8080 -> -]", "notice services web: recreated: ports"],
    );
}

#[test]
fn what_a_cluster_refuses_or_loses() {
    case(
        TEA,
        &[("storage = \"1g\"", "storage = \"512m\"")],
        &["danger volumes db: storage shrinks: no volume can; move the data to another one [1Gi -> 512Mi]"],
    );
    case(
        TEA,
        &[("storage = \"1g\"", "storage = \"1g\", storage_class = \"fast\"")],
        &["danger volumes db: storage class changed: a StatefulSet's claims can't be changed; delete it with \
             `--cascade=orphan` first [default -> fast]"],
    );
    case(
        TEA,
        &[("[services.db]", "[services.pot]")],
        &[
            "danger volumes db: removed, but its claims stay; a service with another name starts without its data [data-db-0 -> -]",
            "notice services pot: added [- -> postgres:18.1]",
            "notice services db: removed [postgres:18.1 -> -]",
        ],
    );
    case(
        &TEA.replace("[volumes.data]", "read_only = true\n[volumes.data]"),
        &[("read_only = true\n", "")],
        &["danger privileges db: gains a writable root file system", "notice services db: recreated: read_only"],
    );
    case(
        TEA,
        &[("namespace = \"tea\"", "namespace = \"cups\""), ("contexts = []", "contexts = [\"prod\"]")],
        &[
            "danger stack tea-dev: namespace changed: everything is created again without its data, and the old one stays \
             [tea -> cups]",
            "danger stack prod: context added: `gen dev` changes that cluster if it is the current context",
        ],
    );
    case(
        TEA,
        &[("user = 999", "user = 1000"), ("cpus = 0.1", "cpus = 0.1, liveness = true")],
        &[
            "caution services db: user changed: files in its volumes belong to the old one [999 -> 1000]",
            "notice services db: liveness probe changed [false -> true]",
        ],
    );
}

#[test]
fn what_gains_privileges() {
    case(
        SHOP,
        &[("user = \"1000\"", "user = \"root\"\nprivileged = true\npid = \"host\"")],
        &[
            "danger privileges web: gains full access to the host: `privileged`",
            "danger privileges web: gains the host's `pid` namespace",
            "danger privileges web: gains root as its user",
            "notice services web: `pid` added [- -> host]",
            "notice services web: recreated: user, privileged, pid",
        ],
    );
    case(
        SHOP,
        &[("cap_drop = [\"ALL\"]", "cap_drop = []\nsecurity_opt = []\ncap_add = [\"SYS_ADMIN\"]")],
        &[
            "danger privileges db: gains the capability `SYS_ADMIN`",
            "danger privileges db: gains Docker's default capabilities",
            "danger privileges db: gains a way to escalate privileges: `no-new-privileges` is not set",
            "notice services db: recreated: cap_drop, security_opt, cap_add",
        ],
    );
    case(
        SHOP,
        &[("user = \"1000\"", "user = \"1000\"\ncap_drop = [\"NET_RAW\"]\nread_only = true")],
        &[
            "notice privileges web: loses the capability `NET_RAW`",
            "notice privileges web: loses a writable root file system",
            "notice services web: recreated: cap_drop, read_only",
        ],
    );
    case(
        SHOP,
        &[(
            "user = \"1000\"",
            "user = \"1000\"\nvolumes = [\"/var/run/docker.sock:/var/run/docker.sock\", \"~/.aws:/root/.aws:ro\", \
             \"/srv:/srv\"]",
        )],
        &[
            "danger privileges web: gains the engine's socket: whoever controls the container controls the host",
            "danger privileges web: gains the host's AWS credentials",
            "caution privileges web: gains write access to a host path: `/srv`",
            "notice mounts web: `/root/.aws` mounted [- -> ~/.aws (read-only)]",
            "notice mounts web: `/srv` mounted [- -> /srv]",
            "notice mounts web: `/var/run/docker.sock` mounted [- -> /var/run/docker.sock]",
            "notice services web: recreated: mounts",
        ],
    );
    case(
        SHOP,
        &[
            ("user = \"1000\"", "user = \"1000\"\nnetwork_mode = \"host\""),
            ("ports.http = { published = 8080, target = 80 }\n", ""),
            ("healthcheck = { http = \"/\", interval = \"5s\", retries = 3 }\n", ""),
        ],
        &[
            "danger privileges web: gains the host's network: its ports are open on the host",
            "caution healthchecks web: healthcheck removed [CMD curl -fsS -o /dev/null \
             http://127.0.0.1:80/ -> -]",
            "notice ports web.http: removed [127.0.0.1:8080 -> -]",
            "notice services web: `hostname` removed [web -> -]",
            "notice services web: `network_mode` added [- -> host]",
            "notice services web: `networks` removed [default -> -]",
            "notice services web: recreated: networks, hostname, network_mode, ports, healthcheck",
        ],
    );
    // A capability that it had by default is not gained.
    case(
        SHOP,
        &[("user = \"1000\"", "user = \"1000\"\ncap_drop = [\"ALL\"]\ncap_add = [\"CAP_CHOWN\"]")],
        &[
            "notice privileges web: `cap_add` added [- -> CAP_CHOWN]",
            "notice privileges web: loses Docker's default capabilities",
            "notice services web: recreated: cap_drop, cap_add",
        ],
    );
    case(
        SHOP,
        &[(
            "[volumes.data]",
            "[services.spy]\nimage = \"spy:1.0\"\nvolumes = [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]\n\n[volumes.data]",
        )],
        &[
            "danger privileges spy: gains the engine's socket: whoever controls the container controls the host",
            "notice services spy: added [- -> spy:1.0]",
        ],
    );
}

#[test]
fn a_secret_that_is_none_any_more() {
    case(
        &SHOP.replace("secret = true", "secret = true\nrequired = true"),
        &[("secret = true\nrequired = true", "default = \"hunter2\"")],
        &[
            "danger variables TOKEN: was a secret and now has a default, which is committed",
            "notice variables TOKEN: no longer required",
            "notice services web: recreated: declaration of `TOKEN`",
        ],
    );
    case(
        SHOP,
        &[("secret = true", "default = \"hunter2\"")],
        &[
            "danger variables TOKEN: was a secret and now has a default, which is committed",
            "notice services web: recreated: declaration of `TOKEN`",
        ],
    );
    case(
        SHOP,
        &[
            ("TOKEN = \"${TOKEN}\"", "TOKEN = \"hunter2\""),
            ("[env.TOKEN]\ndescription = \"Token of the payment provider\"\nsecret = true\n", ""),
        ],
        &[
            "danger environment web: `TOKEN` was a secret in `.env` and is now written in the spec [${TOKEN} -> -]",
            "notice services web: recreated: environment",
            "notice variables TOKEN: no longer read: it can be removed from `.env`",
        ],
    );
}

#[test]
fn images() {
    case(
        REFERENCE,
        &[("grafana/loki:3.7.6", "grafana/loki:3.8.0")],
        &[
            "notice images grafana/loki: updated; runs in `loki` [3.7.6 -> 3.8.0]",
            "notice services loki: recreated: image",
        ],
    );
    case(
        REFERENCE,
        &[("grafana/mimir:3.2.1", "grafana/mimir:2.17.0")],
        &[
            "danger images grafana/mimir: downgraded: it may not be able to read what the newer version wrote to `mimir-data`; runs in \
           `mimir` [3.2.1 -> 2.17.0]",
            "notice services mimir: recreated: image",
        ],
    );
    case(
        REFERENCE,
        &[("temporalio/ui:2.54.1", "temporalio/ui:3.0.0")],
        &[
            "caution images temporalio/ui: new major version; runs in `temporal-ui` and `copilot-ui` [2.54.1 -> 3.0.0]",
            "notice services copilot-ui: recreated: image",
            "notice services temporal-ui: recreated: image",
        ],
    );
}

#[test]
fn infrastructure() {
    case(
        REFERENCE,
        &[
            ("[clusters.copilot", "[clusters.helper"),
            ("cluster = \"copilot\"", "cluster = \"helper\""),
            ("\"copilot_endpoint\"", "\"helper_endpoint\""),
        ],
        &[
            "danger infrastructure aws_dsql_cluster.copilot: would be destroyed; its databases are lost",
            "caution privileges schema-helper: gains whatever `.env` sets for `user`: `${HOST_UID}`",
            "caution privileges schema-helper: gains the host's AWS credentials",
            "notice infrastructure aws_dsql_cluster.helper: would be created",
            "notice clusters copilot: removed; its index `temporal_visibility_v1_copilot` stays in Elasticsearch \
             [the copilot's own cluster -> -]",
            "notice clusters helper: added [- -> the copilot's own cluster]",
            "notice environment copilot-temporal: `TEMPORAL_ELASTICSEARCH_INDEX` changed [temporal_visibility_…",
            "notice infrastructure copilot_endpoint: output removed [DSQL endpoint of the copilot's own cl…",
            "notice infrastructure helper_endpoint: output added [- -> DSQL endpoint of the copilot's own cluster]",
            "notice mounts copilot-temporal: source of `/etc/temporal/config/dynamicconfig.yaml` changed [./dy…",
            "notice schema schema-copilot: removed [temporal-dsql:test -> -]",
            "notice schema schema-helper: added [- -> temporal-dsql:test]",
            "notice services copilot-namespaces: `description` changed [Registers the namespaces of the copilot cluster, then ends -> Registers the namespaces of the helper cluster, then ends]",
            "notice services copilot-temporal: `description` changed [Temporal server of the copilot cluster, …",
            "notice services copilot-temporal: recreated: environment, mounts",
            "notice services copilot-ui: `description` changed [Web UI of the copilot cluster -> Web UI of the…",
            "notice services elasticsearch-setup: `command` changed [\"set -eu\\ntemporal-elasticsearch-tool setup-…",
            "notice services elasticsearch-setup: recreated: command",
            "notice variables COPILOT_DSQL_HOST: filled by a different Terraform output [copilot_endpoint -> hel…",
        ],
    );
    case(
        REFERENCE,
        &[
            ("[infrastructure.buckets.profiles]", "[infrastructure.buckets.behaviour]"),
            ("\"profiles_bucket\"", "\"behaviour_bucket\""),
        ],
        &[
            "danger infrastructure aws_s3_bucket.profiles: would be destroyed; all its objects are lost",
            "notice infrastructure aws_s3_bucket.behaviour: would be created (private, encrypted, versioned)",
            "notice variables COPILOT_PROFILE_S3_BUCKET: filled by a different Terraform output \
             [profiles_bucket -> behaviour_bucket]",
            "notice infrastructure behaviour_bucket: output added [- -> Bucket: Behaviour profiles of the copilot]",
            "notice infrastructure profiles_bucket: output removed [Bucket: Behaviour profiles of the copi…",
        ],
    );
    case(
        REFERENCE,
        &[("region = \"eu-west-1\"", "region = \"eu-north-1\"")],
        &[
            "danger infrastructure region: every resource in the region would be replaced: destroyed in the old region, including its data, and created empty in the new one [eu-west-1 -> eu-north-1]",
            "notice schema schema-copilot-app: runs again: declaration of `AWS_REGION`",
            "notice schema schema-copilot: runs again: declaration of `AWS_REGION`",
            "notice schema schema-monitored: runs again: declaration of `AWS_REGION`",
            "notice services copilot-api: recreated: declaration of `AWS_REGION`",
            "notice services copilot-temporal: recreated: declaration of `AWS_REGION`",
            "notice services copilot-worker: recreated: declaration of `AWS_REGION`",
            "notice services grafana: recreated: declaration of `AWS_REGION`",
            "notice services temporal-frontend: recreated: declaration of `AWS_REGION`",
            "notice services temporal-history: recreated: declaration of `AWS_REGION`",
            "notice services temporal-matching: recreated: declaration of `AWS_REGION`",
            "notice services temporal-worker: recreated: declaration of `AWS_REGION`",
            "notice variables AWS_REGION: default changed: it applies unless `.env` sets the variable [eu-west-1 -> eu-north-1]",
        ],
    );
    case(
        REFERENCE,
        &[("chunk_tokens = 512", "chunk_tokens = 256")],
        &[
            "caution infrastructure aws_bedrockagent_data_source.this: would be replaced: `max_tokens` cannot be changed in place; sync it afterwards [512 -> 256]",
        ],
    );
    case(
        REFERENCE,
        &[("amazon.titan-embed-text-v2:0", "cohere.embed-english-v3")],
        &[
            "caution infrastructure aws_bedrockagent_knowledge_base.this: would be replaced: `embedding_model_arn` cannot be changed in place; its ID changes: run `gen dev infra apply`, which fills in `.env` \
           [amazon.titan-embed-text-v2:0 -> cohere.embed-english-v3]",
            "notice infrastructure aws_bedrockagent_data_source.this: would be changed or replaced: `knowledge…",
        ],
    );
}

#[test]
fn the_rest_of_the_spec() {
    case(
        REFERENCE,
        &[
            (
                "\"system.enableActivityEagerExecution\" = true\n\"frontend.persistenceMaxQPS\" = 6000",
                "\"frontend.persistenceMaxQPS\" = 9000",
            ),
            ("max_series = 500_000", "max_series = 400_000"),
            ("scrape_interval = \"15s\"", "scrape_interval = \"30s\""),
            ("\nhost_targets.copilot-test-worker = 9091", ""),
            ("CKV_AWS_18 = ", "CKV_AWS_21 = "),
            ("\"copilot\", \"db\", \"setup-schema\"", "\"copilot\", \"db\", \"migrate\""),
        ],
        &[
            "caution limits mimir: `max_series` lowered: Mimir rejects anything above it [500000 -> 400000]",
            "caution metrics alloy: no longer scrapes `copilot-test-worker` [host.docker.internal:9091/metrics -> -]",
            "caution accepted CKV_AWS_21: this finding is now accepted [- -> The buckets live as long as a development \
             stack: a log of who reads them would outlive them]",
            "notice clusters monitored: `frontend.persistenceMaxQPS` changed [6000 -> 9000]",
            "notice clusters monitored: `system.enableActivityEagerExecution` removed [true -> -]",
            "notice metrics alloy: `scrape_interval` changed [15s -> 30s]",
            "notice schema schema-copilot-app: runs again: command",
            "notice services temporal-worker: recreated: configuration file",
            "notice accepted CKV_AWS_18: no longer accepted [The buckets live as long as a dev…",
            "notice schema schema-copilot-app: `command` changed [copilot db setup-schema --database ${COPILOT…",
            "notice services alloy: `extra_hosts` removed [host.docker.internal=host-gateway -> -]",
            "notice services alloy: recreated: extra_hosts, configuration file",
            "notice services grafana: recreated: configuration file",
            "notice services mimir: recreated: configuration file",
            "notice services temporal-frontend: recreated: configuration file",
            "notice services temporal-history: recreated: configuration file",
            "notice services temporal-matching: recreated: configuration file",
        ],
    );
    case(
        REFERENCE,
        &[("host_targets.copilot-test-worker = 9091", "host_targets.copilot-test-worker = 9092")],
        &[
            "notice metrics alloy: scrapes `copilot-test-worker` at a different address \
             [host.docker.internal:9091/metrics -> host.docker.internal:9092/metrics]",
            "notice services alloy: recreated: configuration file",
        ],
    );
    case(
        REFERENCE,
        &[("\nmetrics = false", "\nmetrics = true"), ("ports.grpc = 7239", "ports.grpc = 7239\nmetrics = false")],
        &[
            "caution metrics alloy: no longer scrapes `temporal-worker` [temporal-worker:9090/metrics -> -]",
            "notice metrics alloy: scrapes `copilot-temporal` [- -> copilot-temporal:9090/metrics]",
            "notice services alloy: recreated: configuration file",
            "notice services copilot-temporal: `metrics` added [- -> 9090/metrics]",
            "notice services temporal-worker: `metrics` removed [9090/metrics -> -]",
        ],
    );
    case(
        REFERENCE,
        &[("default = \"postgres\"", "required = true"), ("default = \"0\"", "default = \"999\"")],
        &[
            "caution privileges copilot-worker: gains membership in the group `${SOCKET_GROUP_ID:-999}`",
            "caution variables COPILOT_DSQL_DATABASE: now required: the stack does not start until `.env` sets it \
             [postgres -> -]",
            "notice variables SOCKET_GROUP_ID: default changed: it applies unless `.env` sets the variable [0 -> 999]",
            "notice schema schema-copilot-app: runs again: declaration of `COPILOT_DSQL_DATABASE`",
            "notice privileges copilot-worker: loses membership in the group `${SOCKET_GROUP_ID:-0}`",
            "notice schema schema-copilot: runs again: declaration of `COPILOT_DSQL_DATABASE`",
            "notice services copilot-temporal: recreated: declaration of `COPILOT_DSQL_DATABASE`",
            "notice services copilot-worker: recreated: group_add",
        ],
    );
    case(
        SHOP,
        &[
            ("depends_on.db = \"service_healthy\"", "depends_on.db = \"service_started\""),
            ("retries = 3 }\nuser", "retries = 9 }\nuser"),
            ("TITLE = \"Shop\"", "NAME = \"Shop\""),
        ],
        &[
            "caution dependencies web: waits only for the start of `db` [service_healthy -> service_started]",
            "notice healthchecks web: `retries` changed [3 -> 9]",
            "notice environment web: `NAME` added [- -> Shop]",
            "notice environment web: `TITLE` removed [Shop -> -]",
            "notice services web: recreated: environment, healthcheck",
        ],
    );
    case(
        SHOP,
        &[
            ("[volumes.data]", "[services.cache]\nimage = \"redis:8.4\"\nports.redis = 6379\n\n[volumes.data]"),
            ("depends_on.db = \"service_healthy\"\n", "depends_on = [\"db\", \"cache\"]\n"),
        ],
        &[
            "caution dependencies web: waits only for the start of `db` [service_healthy -> service_started]",
            "notice services cache: added [- -> redis:8.4]",
            "notice ports cache.redis: published [- -> 127.0.0.1:6379]",
            "notice dependencies web: waits for `cache` [- -> service_started]",
        ],
    );
}

#[test]
fn dashboards() {
    let repository = Repository::new(REFERENCE);
    let file = "spec/dashboards/server.toml";
    let before = repository.project.read(file);
    let title = before.lines().find_map(|line| line.strip_prefix("title = \"")?.strip_suffix('"')).unwrap().to_owned();
    let panels: Vec<&str> =
        before.lines().filter_map(|line| line.split(".panels.\"").nth(1)?.strip_suffix("\"]")).collect();
    let [first, .., last] = panels.as_slice() else { panic!("{panels:?}") };
    let text = before
        .replace(&format!("panels.\"{first}\"]"), "panels.\"Something <b>else</b>\"]")
        .replace("refresh = \"30s\"", "refresh = \"1m\"");
    let at = text.rfind(&format!("panels.\"{last}\"]")).unwrap();
    let at = at + text[at..].find('\n').unwrap() + 1;
    repository.project.write(
        file,
        format!(
            "{}description = \"Where it ends\"\n{}",
            &text[..at],
            &text[at..].replacen("description = ", "# description = ", 1)
        ),
    );
    let (code, found) = repository.changes(&[]);
    assert_eq!(code, Some(0), "{found:#?}");
    for what in ["`refresh` changed [30s -> 1m]".to_owned(), format!("panel `{last}`: `description` changed")] {
        let line = format!("notice dashboards {title}: {what}");
        assert!(found.contains(&line), "`{line}` in {found:#?}");
    }
    let new = format!("notice dashboards {title}: panel `Something <b>else</b>` added");
    let gone = format!("notice dashboards {title}: panel `{first}` removed");
    assert!(found.iter().any(|line| line.starts_with(&new)), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with(&gone)), "{found:#?}");
    // Names mean nothing to whoever reads Markdown.
    let run = repository.review(&["--format", "markdown"]);
    assert!(run.stdout.contains("`Something <b>else</b>`"), "{}", run.stdout);
}

/// A change of everything, as people and pull requests see it.
#[test]
fn a_large_change() {
    let repository = Repository::new(SHOP);
    let project = &repository.project;
    project.write(
        "spec/stack.toml",
        SHOP.replace("nginx:1.29", "nginx:2.0")
            .replace("postgres:18.1", "postgres:17.4")
            .replace("target = 80 }", "target = 80, host_ip = \"0.0.0.0\" }")
            .replace("TITLE = \"Shop\"", "TITLE = \"<img src=x onerror=alert(1)> | `a` @all\"")
            .replace("secret = true", "required = true")
            .replace("cap_drop = [\"ALL\"]\n", "")
            .replace("[volumes.data]", "[services.cache]\nimage = \"redis:8.4\"\nports.redis = 6379\n\n[volumes.data]"),
    );
    let hidden = |text: &str| {
        let commit = git(project.root(), &["rev-parse", "HEAD"]);
        text.replace(&commit[..10], "[commit]")
    };
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        let run = repository.review(&[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
        insta::assert_snapshot!("review-text", hidden(&run.stdout));
        let run = repository.review(&["--format", "markdown"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
        insta::assert_snapshot!("review-markdown", hidden(&run.stdout));
    });
}

/// Whatever a spec holds, no reader of Markdown takes it for anything but text.
#[test]
fn markdown_holds_no_html_of_the_spec() {
    use pulldown_cmark::{Event, Options, Parser};

    let hostile = "</code></details><script>x</script> | `a` ``b`` [c](d) ![e](f) \\n<!-- @all #1";
    let repository = Repository::new(SHOP);
    let spec = SHOP
        .replace("TITLE = \"Shop\"", &format!("TITLE = '''{hostile}'''"))
        .replace("\"Token of the payment provider\"", &format!("'''{hostile}'''"))
        .replace("user = \"1000\"", &format!("user = \"1000\"\nlabels.\"{}\" = 'x'", hostile.replace('\\', "")))
        .replace("published = 8080", "published = 9080, host_ip = '0.0.0.0'")
        .replace("\"data:/var/lib/postgresql\"", &format!("{{ source = 'data', target = '''/{hostile}''' }}"));
    repository.project.write("spec/stack.toml", spec);
    let run = repository.review(&["--format", "markdown"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.stdout.contains("script"), "{}", run.stdout);
    let options = Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_ext(&run.stdout, options) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                let own = ["<details>", "</details>", "<code>", "</code>"].contains(&html)
                    || (html.starts_with("<summary>") && html.ends_with(" notices</summary>"));
                assert!(own, "{html} in {}", run.stdout);
            }
            Event::Start(pulldown_cmark::Tag::Link { .. } | pulldown_cmark::Tag::Image { .. }) => {
                panic!("a link in {}", run.stdout)
            }
            _ => {}
        }
    }
}

#[test]
fn what_means_nothing_is_told_apart_from_nothing() {
    let repository = Repository::new(SHOP);
    let run = repository.review(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.starts_with("The spec is the same as at `HEAD` ("), "{run:?}");
    repository.project.write("spec/stack.toml", format!("# A comment\n{}", SHOP.replace(" = ", "=")));
    let run = repository.review(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.starts_with("The spec has the same meaning as at `HEAD` ("), "{run:?}");
    let run = repository.review(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["files_differ"], true);
    assert_eq!(report["counts"], serde_json::json!({ "danger": 0, "caution": 0, "accepted": 0, "notice": 0 }));
    assert_eq!(report["outputs"], serde_json::json!({ "added": [], "changed": [], "removed": [] }));
}

#[test]
fn profiles_that_come_and_go() {
    let repository = Repository::new(SHOP);
    repository.project.write("spec/stack.toml", SHOP.replace("[profiles.dev]", "[profiles.dev]\n\n[profiles.staging]"));
    let (code, found) = repository.changes(&[]);
    assert_eq!(
        (code, found.as_slice()),
        (Some(0), ["notice profiles staging: added: 2 services [- -> shop-staging]".to_owned()].as_slice())
    );
    repository.commit("Stage");
    // What is the same in both is told once, with both.
    let both = repository.project.read("spec/stack.toml");
    repository.project.write("spec/stack.toml", both.replace("nginx:1.29", "nginx:1.30"));
    let run = repository.review(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["changes"][0]["profiles"], serde_json::json!(["dev", "staging"]));
    assert_eq!(report["counts"]["notice"], 2, "{report:#}");
    let run = repository.review(&[]);
    assert!(run.stdout.contains("notice[image-updated] nginx (dev, staging): updated"), "{}", run.stdout);
    let run = repository.review(&["--profile", "dev"]);
    assert!(run.stdout.contains("notice[image-updated] nginx: updated"), "{}", run.stdout);
    repository.project.write("spec/stack.toml", SHOP);
    let (code, found) = repository.changes(&[]);
    assert_eq!(code, Some(1));
    assert!(found[0].starts_with("danger profiles staging: removed"), "{found:?}");
}

#[test]
fn a_revision_without_a_spec_has_everything_new() {
    let repository = Repository { project: Project::empty(), folder: "." };
    repository.git(&["init", "--quiet", "--initial-branch=main"]);
    repository.project.write("README.md", "A shop\n");
    repository.commit("Begin");
    let spec = SHOP.replace("name = \"shop\"", "name = \"shop\"\ndescription = \"Sells\"");
    repository.project.write("spec/stack.toml", spec);
    let run = repository.review(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.starts_with("No spec at `HEAD` ("), "{run:?}");
    assert!(run.stdout.contains("notice[service-added] web: added"), "{run:?}");
    assert!(!run.stdout.contains("changed"), "{run:?}");
}

#[test]
fn a_project_in_a_folder_with_several_files() {
    let repository = Repository { project: Project::empty(), folder: "deploy/my shop" };
    let project = &repository.project;
    let (head, rest) = SHOP.split_once("[services.db]").unwrap();
    project.write("deploy/my shop/spec/stack.toml", format!("include = [\"more/rest.toml\"]\n{head}"));
    project.write("deploy/my shop/spec/more/rest.toml", format!("[services.db]{rest}"));
    project.write("spec/stack.toml", "another project's, and none");
    repository.git(&["init", "--quiet", "--initial-branch=main"]);
    repository.commit("Begin");
    project.replace("deploy/my shop/spec/more/rest.toml", "postgres:18.1", "postgres:18.2");
    let (code, found) = repository.changes(&[]);
    assert_eq!(code, Some(0));
    // A hook of git has these, relative to the root of the repository.
    let hook =
        project.command(&["review"]).current_dir(project.path(repository.folder)).env("GIT_DIR", ".git").output();
    assert_eq!(Run::from(hook.unwrap()).code, Some(0));
    assert!(found.contains(&"notice images postgres: updated; runs in `db` [18.1 -> 18.2]".to_owned()), "{found:?}");
}

#[test]
fn a_branch_is_compared_as_it_was_when_it_was_left() {
    let repository = Repository::new(SHOP);
    let spec = |text: &str| repository.project.write("spec/stack.toml", text);
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    spec(&SHOP.replace("nginx:1.29", "nginx:1.30"));
    repository.commit("Update");
    repository.git(&["switch", "--quiet", "main"]);
    spec(&SHOP.replace("postgres:18.1", "postgres:18.2"));
    repository.commit("Go on");
    repository.git(&["switch", "--quiet", "topic"]);
    let (_, found) = repository.changes(&["--against", "main"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("notice images nginx: updated"), "{found:?}");
    let run = repository.review(&["--against", "main"]);
    assert!(run.stdout.starts_with("Compared with the merge base with `main` ("), "{run:?}");
    // One without a common past is compared as it is.
    repository.git(&["switch", "--quiet", "--orphan", "other"]);
    spec(SHOP);
    repository.commit("Begin again");
    let (_, found) = repository.changes(&["--against", "main"]);
    assert!(found.contains(&"danger images postgres: downgraded: it may not be able to read what the newer version wrote to `data`; runs in `db` [18.2 -> 18.1]".to_owned()), "{found:?}");
}

#[test]
fn a_revision_that_can_not_be_had() {
    let repository = Repository::new(SHOP);
    for (name, said) in [
        ("nowhere", "unknown revision `nowhere`; expected a branch, tag or commit; it may have to be fetched first"),
        ("--output=x", "invalid revision `--output=x`"),
        ("-h", "invalid revision `-h`"),
        ("", "invalid revision ``"),
        ("^HEAD", "unknown revision `^HEAD`"),
        ("HEAD:spec", "unknown revision `HEAD:spec`"),
        ("HEAD..HEAD", "unknown revision `HEAD..HEAD`"),
        ("a\nb", "invalid revision `a\\nb`"),
    ] {
        let run = repository.review(&[&format!("--against={name}")]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{name}: {run:?}");
        assert!(run.stderr.contains(said), "{name}: {}", run.stderr);
    }
    assert!(!repository.project.path("x").exists());
}

#[test]
fn a_repository_that_has_too_little() {
    let none = Project::new(SHOP);
    // Whatever the folder of the tests lies in.
    let review = |project: &Project| -> Run {
        let parent = project.root().parent().unwrap();
        project.command(&["review"]).env("GIT_CEILING_DIRECTORIES", parent).output().unwrap().into()
    };
    let run = review(&none);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("the project is not in a Git repository: `gen review` compares with a commit"),
        "{run:?}"
    );
    git(none.root(), &["init", "--quiet"]);
    let run = review(&none);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("the repository has no commits yet"), "{run:?}");
    // A blob is no commit.
    git(none.root(), &["add", "--all"]);
    assert_eq!(review(&none).code, Some(2));
    // One that lost its branches, or can't be read, is not an empty one.
    for (name, is_folder) in [("refs/heads/main", false), ("packed-refs", true), ("refs/heads/main", true)] {
        let lost = Repository::new(SHOP);
        let path = lost.project.path(".git").join(name);
        if name == "packed-refs" {
            fs::remove_file(lost.project.path(".git/refs/heads/main")).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        if is_folder {
            fs::create_dir(&path).unwrap();
        }
        let run = lost.project.run(&["review"]);
        assert_eq!(run.code, Some(3), "{name}: {run:?}");
        assert!(run.stderr.contains("check the repository with `git fsck`"), "{name}: {run:?}");
    }

    let origin = Repository::new(SHOP);
    origin.git(&["switch", "--quiet", "--create", "topic"]);
    origin.commit("On a branch");
    origin.git(&["switch", "--quiet", "main"]);
    origin.commit("Go on");
    origin.git(&["switch", "--quiet", "topic"]);
    let clone = Project::empty();
    let from = format!("file://{}", origin.project.root().display());
    git(clone.root(), &["clone", "--quiet", "--depth=1", "--no-single-branch", &from, "."]);
    let run = clone.run(&["review", "--against", "origin/main"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("the clone is shallow") && run.stderr.contains("--unshallow"), "{run:?}");
    let run = clone.run(&["review", "--against", "HEAD~1"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("the clone is shallow: run"), "{run:?}");
    assert_eq!(clone.run(&["review"]).code, Some(0));
}

#[test]
fn a_spec_that_is_wrong_at_either_end() {
    let repository = Repository::new(&SHOP.replace("image = \"nginx:1.29\"", "imgae = \"nginx:1.29\""));
    let run = repository.review(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("in the spec; nothing was written or compared"), "{run:?}");
    repository.project.write("spec/stack.toml", SHOP);
    let run = repository.review(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("error[unknown-key]: unknown key `imgae`"), "{run:?}");
    assert!(run.stderr.contains("in the spec at `HEAD` (") && run.stderr.contains("--against"), "{run:?}");
    let run = repository.review(&["--format", "json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (report["revision"].as_str(), report["diagnostics"][0]["code"].as_str()),
        (Some("HEAD"), Some("unknown-key"))
    );
    let run = repository.review(&["--profile", "prod"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[unknown-profile]"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_link_in_a_revision_is_not_followed() {
    let repository = Repository::new(SHOP);
    let path = repository.project.path("spec/stack.toml");
    fs::rename(&path, repository.project.path("elsewhere.toml")).unwrap();
    std::os::unix::fs::symlink("../elsewhere.toml", &path).unwrap();
    repository.commit("Link");
    let run = repository.review(&[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("cannot read `spec/stack.toml` at `HEAD`") && run.stderr.contains("symbolic link"),
        "{run:?}"
    );
}

#[test]
fn without_git() {
    let repository = Repository::new(SHOP);
    let run: Run =
        repository.project.command(&["review"]).env("PATH", repository.project.path("spec")).output().unwrap().into();
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{run:?}");
    assert!(run.stderr.contains("`git` is not installed or not on PATH"), "{run:?}");
}

#[test]
fn the_help_tells_what_is_compared() {
    let run = Project::empty().run(&["review", "--help"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["merge base", "Exit codes:", "--against origin/main"] {
        assert!(words.contains(word), "`{word}` in {}", run.stdout);
    }
}

/// A secret is given away by a value in its place, and not by no value.
#[test]
fn a_secret_that_is_emptied_is_not_given_away() {
    let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n\
                environment.TOKEN = \"${TOKEN}\"\nenvironment.OTHER = \"${TOKEN}\"\n\
                [env.TOKEN]\ndescription = \"A token\"\nsecret = true\n";
    case(
        spec,
        &[("environment.OTHER = \"${TOKEN}\"", "environment.OTHER = \"\"")],
        &["notice environment web: `OTHER` changed […", "notice services web: recreated: environment"],
    );
    case(
        spec,
        &[("environment.OTHER = \"${TOKEN}\"", "environment.OTHER = \"x\"")],
        &[
            "danger environment web: `OTHER` was a secret in `.env` and is now written in the spec [${TOKEN} -> -]",
            "notice services web: recreated: environment",
        ],
    );
}

/// A key of Compose without an area of its own is compared by its name, and so is why its container is recreated.
#[test]
fn further_keys_of_compose() {
    let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n";
    for (keys, expected) in [
        (
            "shm_size = \"64m\"\n",
            &["notice services web: `shm_size` added [- -> 64m]", "notice services web: recreated: shm_size"][..],
        ),
        (
            "stop_signal = \"SIGINT\"\n",
            &["notice services web: `stop_signal` added [- -> SIGINT]", "notice services web: recreated: stop_signal"],
        ),
        // Not hashed by Compose.
        ("pull_policy = \"always\"\n", &["notice services web: `pull_policy` added [- -> always]"]),
        (
            "deploy.replicas = 1\n",
            &["notice limits web: `replicas` added [- -> 1]", "notice services web: recreated: deploy"],
        ),
        (
            "deploy.resources.limits.memory = \"1g\"\n",
            &["notice limits web: `limits` added [- -> memory 1g]", "notice services web: recreated: deploy"],
        ),
        (
            "expose = [9000]\n",
            &["notice ports web: `expose` added [- -> 9000]", "notice services web: recreated: expose"],
        ),
    ] {
        case(spec, &[("image = \"web:1\"\n", &format!("image = \"web:1\"\n{keys}"))], expected);
    }
}

/// A stack whose services share what has a table of its own.
const SHARING: &str = r#"
[stack]
name = "shop"

[profiles.dev]

[services.web]
image = "localhost:5000/web:1"
build = "./web"
secrets = [{ source = "token", target = "a" }]
configs = ["site"]
networks = ["back"]
volumes = ["/anonymous", "data:/data"]
environment.MODE = "${MODE:+on}"
healthcheck.test = ["CMD", "true"]

[services.web.ports.http]
published = 8080
target = 80
path = "/a"

[services.worker]
image = "worker:1"
configs = ["site"]

[networks.back]
driver_opts.mtu = 1400

[volumes.data]

[secrets.token]
file = "./token"

[configs.site]
content = "a"

[env.MODE]
description = "Mode"
"#;

const EXTERNAL: (&str, &str) = ("[volumes.data]", "[volumes.data]\nexternal = true");

type Edit = (&'static str, &'static str);

/// What is edited before the review, what is edited for it, and what it says.
const SHARED: &[(&[Edit], Edit, &[&str])] = &[
    (
        &[],
        ("target = \"a\"", "target = \"b\""),
        &[
            "notice secrets web: options of the secret `token` changed [target a -> target b]",
            "notice services web: recreated: secrets",
        ],
    ),
    (
        &[],
        ("configs = [\"site\"]\nnetworks", "networks"),
        &["notice secrets web: no longer reads the config `site`", "notice services web: recreated: configs"],
    ),
    (&[], ("content = \"a\"", "content = \"b\""), &["notice secrets site: source changed [content a -> content b]"]),
    (&[], ("mtu = 1400", "mtu = 1500"), &["notice networks back: `driver_opts` changed [mtu 1400 -> mtu 1500]"]),
    (
        &[],
        ("\"/anonymous\"", "{ target = \"/anonymous\", read_only = true }"),
        &[
            "notice mounts web: write access to `/anonymous` changed [volume -> volume (read-only)]",
            "notice services web: recreated: mounts",
        ],
    ),
    (
        &[],
        ("\"data:/data\"", "\"data:/data\", \"../x:/x\""),
        &[
            "caution privileges web: gains write access to a host path: `../../../x`",
            "notice mounts web: `/x` mounted [- -> ../../../x]",
            "notice services web: recreated: mounts",
        ],
    ),
    (
        &[],
        ("\"data:/data\"", "\"data:/data\", \"./x:/x\""),
        &["notice mounts web: `/x` mounted [- -> ../../x]", "notice services web: recreated: mounts"],
    ),
    (
        &[],
        ("\"data:/data\"", "\"data:/data\", \"../x:/x:ro\""),
        &["notice mounts web: `/x` mounted [- -> ../../../x (read-only)]", "notice services web: recreated: mounts"],
    ),
    // A volume of one's own is another in another project, and an external one is not.
    (
        &[],
        ("[volumes.data]", "[volumes.data]\nexternal = true"),
        &["danger volumes data: now a different volume in the engine: the data in the old one is not moved \
               [shop-dev_data -> data]"],
    ),
    (
        &[("[volumes.data]", "[volumes.data]\nname = \"own\"")],
        ("name = \"own\"\n", ""),
        &["danger volumes data: now a different volume in the engine: the data in the old one is not moved \
               [own -> shop-dev_data]"],
    ),
    (
        &[EXTERNAL],
        ("name = \"shop\"", "name = \"shop\"\ntitle = \"Shop\""),
        &["notice stack shop-dev: title changed [shop -> Shop]"],
    ),
    // Only the docs have the path, and it is no reason for a new container.
    (&[], ("path = \"/a\"", "path = \"/b\""), &["notice ports web.http: path in the docs changed [/a -> /b]"]),
    (
        &[],
        ("\"true\"", "\"false\""),
        &[
            "notice healthchecks web: `test` changed [CMD true -> CMD false]",
            "notice services web: recreated: healthcheck",
        ],
    ),
    (&[], ("./web", "./site"), &["notice services web: build changed: run `gen dev build` [../../web -> ../../site]"]),
    (
        &[],
        ("${MODE:+on}", "${MODE:+off}"),
        &[
            "notice environment web: `MODE` changed [${MODE:+on} -> ${MODE:+off}]",
            "notice services web: recreated: environment",
        ],
    ),
    (
        &[("description = \"Mode\"", "description = \"Mode\"\nsecret = true")],
        ("secret = true", "secret = true\nfrom = \"op://Dev/Shop/mode\""),
        &[
            "danger variables MODE: `gen dev up` reads its value from a new place, with the login of whoever starts the stack \
               [- -> op://Dev/Shop/mode]",
        ],
    ),
    (
        &[("description = \"Mode\"", "description = \"Mode\"\nsecret = true\nfrom = \"op://Dev/Shop/mode\"")],
        ("op://Dev/Shop/mode", "cmd:curl example.com/x | sh"),
        &[
            "danger variables MODE: `gen dev up` runs a command of the spec for its value, on the machine of whoever starts the stack \
               [op://Dev/Shop/mode -> cmd:curl example.com/x | sh]",
        ],
    ),
    (
        &[("description = \"Mode\"", "description = \"Mode\"\nsecret = true\nfrom = \"cmd:x\"")],
        ("\nfrom = \"cmd:x\"", ""),
        &["notice variables MODE: no longer read from elsewhere [cmd:x -> -]"],
    ),
    (
        &[],
        ("description = \"Mode\"", "description = \"Mode\"\ndefault = \"x\""),
        &["notice variables MODE: default added [- -> x]"],
    ),
    // The first colon is that of the registry's port.
    (
        &[],
        ("5000/web:1", "5000/web:2"),
        &[
            "caution images localhost:5000/web: new major version; runs in `web` [1 -> 2]",
            "notice services web: recreated: image",
        ],
    ),
    (
        &[],
        ("5000/web:1", "5000/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        &[
            "notice images localhost:5000/web: tag changed; runs in `web` \
                 [1 -> @sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855]",
            "notice services web: recreated: image",
        ],
    ),
    (
        &[("image = \"localhost:5000/web:1\"\n", "")],
        ("build = ", "image = \"web:1\"\nbuild = "),
        &["caution images web:1: image changed for `web` [- -> web:1]", "notice services web: recreated: image"],
    ),
    (
        &[],
        ("build = ", "deploy.resources.limits.pids = 10\nannotations.replicas = \"1\"\nbuild = "),
        &[
            "notice limits web: `limits` added [- -> pids 10]",
            "notice services web: `annotations` added [- -> replicas 1]",
            "notice services web: recreated: deploy, annotations",
        ],
    ),
    (
        &[],
        (
            "build = ",
            "blkio_config.device_read_iops = [{ path = \"/dev/a\", rate = 1 }, { path = \"/dev/b\", rate = 2 }]\nbuild = ",
        ),
        &[
            "notice services web: `blkio_config` added [- -> device_read_iops \
                 [{ path = \"/dev/a\", rate = 1 }, { path = \"/dev/b\", rate = 2 }]]",
            "notice services web: recreated: blkio_config",
        ],
    ),
    (
        &[],
        ("build = ", "cap_drop = [\"ALL\"]\nsecurity_opt = [\"no-new-privileges=true\", \"label=disable\"]\nbuild = "),
        &[
            "danger privileges web: gains the security option `label:disable`",
            "notice privileges web: loses Docker's default capabilities",
            "notice services web: recreated: cap_drop, security_opt",
        ],
    ),
];

/// Each change has one notice, and says which containers it concerns.
#[test]
fn what_services_share() {
    for (before, edit, expected) in SHARED {
        let spec = before.iter().fold(SHARING.to_owned(), |spec, (from, to)| spec.replace(from, to));
        case(&spec, &[*edit], expected);
    }
    case(
        SHARING,
        &[("name = \"shop\"", "name = \"store\""), ("[volumes.data]", "[volumes.data]\nname = \"other\"")],
        &[
            "danger stack store-dev: Compose project changed: new containers are created, and the old ones keep running; \
             volumes start empty [shop-dev -> store-dev]",
            "danger volumes data: now a different volume in the engine: the data in the old one is not moved \
             [shop-dev_data -> other]",
            "notice stack store-dev: title changed [shop -> store]",
        ],
    );
    case(
        &SHARING.replace(EXTERNAL.0, EXTERNAL.1),
        &[(", \"data:/data\"]", "]"), ("[volumes.data]\nexternal = true\n", "")],
        &[
            "caution mounts web: `/data` is no longer a volume: what is written there is lost with the container [data -> -]",
            "notice services web: recreated: mounts",
            "notice volumes data: no longer used [data -> -]",
        ],
    );
}

#[test]
fn what_a_dashboard_shows() {
    let spec = format!(
        "{}{}",
        include_str!("../dashboards/stack.toml"),
        r#"
[dashboards.main]
folder = "main"
title = "Main"
tags = ["a"]
time = { from = "now-1h", to = "now" }

[dashboards.main.variables.job]
type = "query"
query = "label_values(up, job)"

[dashboards.main.rows.First.panels.Up]
type = "stat"
queries = { expr = "up{job='$job'}", legend = "up" }

[dashboards.main.rows.First.panels.Down]
type = "stat"
queries = "1 - up"

[dashboards.main.rows.Second.panels.Rest]
type = "timeseries"
width = 6
queries = "changes(up[1h])"
"#
    );
    let (_, panels) = spec.split_once("[dashboards.main.rows.First.panels.Up]").unwrap();
    let (up, rest) = panels.split_once("[dashboards.main.rows.First.panels.Down]").unwrap();
    let (down, _) = rest.split_once("[dashboards.main.rows.Second").unwrap();
    let [up, down] =
        [("Up", up), ("Down", down)].map(|(name, text)| format!("[dashboards.main.rows.First.panels.{name}]{text}"));
    for (from, to, expected) in [
        ("now-1h", "now-2h", &["`time` changed [now-1h to now -> now-2h to now]"][..]),
        ("tags = [\"a\"]", "tags = [\"a\", \"b\"]", &["`tags` changed [a -> a, b]"]),
        ("(up, job)", "(up, instance)", &["variable `job` changed"]),
        (
            "rows.Second.",
            "rows.Third.",
            &["row `Third` added", "row `Second` removed", "panel `Rest` moved to another row [Second -> Third]"],
        ),
        (&format!("{up}{down}"), &format!("{down}{up}"), &["the order of panels changed"]),
        (
            "type = \"timeseries\"\nwidth = 6",
            "type = \"stat\"\nwidth = 6\nheight = 8",
            &["panel `Rest`: type changed [timeseries -> stat]"],
        ),
        ("width = 6", "width = 8", &["panel `Rest`: size changed [6 × 8 -> 8 × 8]"]),
        ("legend = \"up\"", "legend = \"on\"", &["panel `Up`: options of query `A` changed"]),
        ("\"1 - up\"", "\"2 - up\"", &["panel `Down`: query `A` changed [1 - up -> 2 - up]"]),
        ("\"1 - up\"", "[\"1 - up\", \"2 - up\"]", &["panel `Down`: query `B` added [- -> 2 - up]"]),
    ] {
        let expected: Vec<String> = expected.iter().map(|what| format!("notice dashboards Main: {what}")).collect();
        case(&spec, &[(from, to)], &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    case(
        &spec,
        &[(
            "[dashboards.main.variables.job]",
            "[dashboards.other]\nfolder = \"main\"\ntitle = \"Other\"\n\
           [dashboards.other.panels.One]\ntype = \"stat\"\nqueries = \"up\"\n[dashboards.main.variables.job]",
        )],
        &["notice dashboards Other: added with 1 panel [- -> other]"],
    );
    case(
        &spec,
        &[
            ("default = true\n", ""),
            ("title = \"Logs\"", "title = \"Lines\"\ndefault = true"),
            ("{ main = \"Main\" }", "{ main = \"All\" }"),
        ],
        &[
            "notice datasources Metrics: no longer the default",
            "notice datasources Lines: title changed [Logs -> Lines]",
            "notice datasources Lines: now the default",
            "notice dashboards All: folder `main` has a new title [Main -> All]",
            "notice dashboards Main: variable `job` changed",
            "notice dashboards Main: panel `Down`: `datasource` changed",
            "notice dashboards Main: panel `Rest`: `datasource` changed",
            "notice dashboards Main: panel `Up`: `datasource` changed",
            "notice services grafana: recreated: configuration file",
        ],
    );
}

/// What only looks like a change: Compose sees the same.
#[test]
fn what_is_written_differently_recreates_nothing() {
    let spec = format!(
        "{SHOP}[services.own]\nimage = \"own:1\"\nenvironment = [\"A=1\", \"B=2\"]\nlabels = {{ a = \"1\", b = \"2\" }}\n\
         extra_hosts = {{ one = \"10.0.0.1\", two = \"10.0.0.2\" }}\nsysctls = [\"net.core.somaxconn=1024\"]\n\
         dns = \"10.0.0.3\"\ndepends_on = [\"db\", \"web\"]\nstop_grace_period = \"90s\"\nshm_size = \"1g\"\n\
         build = {{ context = \"./own\", args = [\"A=1\"] }}\nulimits.nofile = 5\nenv_file = \"./a.env\"\nscale = 1\n\
         deploy.resources.limits.cpus = \"0.5\"\ngpus = \"all\"\n\
         healthcheck = {{ test = [\"CMD\", \"x\"], interval = \"90s\" }}\n"
    );
    for (from, to) in [
        ("grace_period = \"90s\"", "grace_period = \"1m30s\""),
        ("interval = \"90s\"", "interval = \"1m30s\""),
        ("\"1g\"", "\"1024m\""),
        ("[\"A=1\"] }", "{ A = 1 } }"),
        ("env_file = \"./a.env\"", "env_file = [{ path = \"./a.env\" }]"),
        ("scale = 1", "scale = \"1\""),
        ("cpus = \"0.5\"", "cpus = 0.50"),
        ("gpus = \"all\"", "gpus = [{ count = -1 }]"),
        ("image = \"own:1\"", "image = \"own:1\"\nx-note = 3\ntty = false"),
        ("[\"A=1\", \"B=2\"]", "[\"B=2\", \"A=1\"]"),
        ("{ a = \"1\", b = \"2\" }", "[\"b=2\", \"a=1\"]"),
        ("{ one = \"10.0.0.1\", two = \"10.0.0.2\" }", "{ two = \"10.0.0.2\", one = \"10.0.0.1\" }"),
        ("[\"net.core.somaxconn=1024\"]", "{ \"net.core.somaxconn\" = 1024 }"),
        ("dns = \"10.0.0.3\"", "dns = [\"10.0.0.3\"]"),
        ("[\"db\", \"web\"]", "[\"web\", \"db\"]"),
    ] {
        let repository = Repository::new(&spec);
        repository.project.replace("spec/stack.toml", from, to);
        let (_, changes) = repository.changes(&[]);
        assert!(!changes.is_empty(), "{to}");
        let told = |change: &String| change.starts_with("notice") && !change.contains("recreated");
        assert!(changes.iter().all(|change| told(change) && !change.contains("no other area")), "{to}: {changes:?}");
    }
    // What is not the same.
    for (from, to, why) in [
        ("[\"A=1\", \"B=2\"]", "[\"A=1\", \"B=2\", \"TOKEN\"]", "environment"),
        ("dns = \"10.0.0.3\"", "deploy.resources.limits.pids = 5\ndns = \"10.0.0.3\"", "deploy"),
        ("image = \"own:1\"", "image = \"own:1\"\nattach = false", "attach"),
    ] {
        let repository = Repository::new(&spec);
        repository.project.replace("spec/stack.toml", from, to);
        let (_, changes) = repository.changes(&[]);
        assert!(changes.contains(&format!("notice services own: recreated: {why}")), "{to}: {changes:?}");
        assert!(!changes.iter().any(|change| change.contains("inherited")), "{changes:?}");
    }
}

/// Each pair means the same; Compose's hash tells some apart (`docker-compose config --hash`).
#[test]
fn what_is_written_differently_has_no_effect() {
    const SECRET: &str = "\n[secrets.s]\nfile = \"./a\"";
    const CONFIG: &str = "\n[configs.s]\nfile = \"./a\"";
    const VOLUME: &str = "\n[volumes.v]";
    const OTHER: &str = "\n[services.b]\nimage = \"b:1\"";
    for (before, after, end, recreated) in [
        ("command = \"a b\"", "command = [\"a\", \"b\"]", "", false),
        ("entrypoint = \"a b\"", "entrypoint = [\"a\", \"b\"]", "", false),
        ("healthcheck.test = \"a\"", "healthcheck.test = [\"CMD-SHELL\", \"a\"]", "", false),
        ("env_file = [\"a\"]", "env_file = [{ path = \"a\", required = true }]", "", false),
        (
            "post_start = [{ command = \"a b\", environment = [\"A=1\"] }]",
            "post_start = [{ command = [\"a\", \"b\"], environment = { A = 1 } }]",
            "",
            false,
        ),
        (
            "secrets = [{ source = \"s\", mode = \"0400\" }]",
            "secrets = [{ source = \"s\", mode = 0o400 }]",
            SECRET,
            false,
        ),
        ("secrets = [\"s\"]", "secrets = [{ source = \"s\", target = \"/run/secrets/s\" }]", SECRET, false),
        ("configs = [\"s\"]", "configs = [{ source = \"s\", target = \"/s\" }]", CONFIG, true),
        (
            "volumes = [{ type = \"tmpfs\", target = \"/x\", tmpfs = { size = \"1m\" } }]",
            "volumes = [{ type = \"tmpfs\", target = \"/x\", tmpfs = { size = 1048576 } }]",
            "",
            false,
        ),
        ("volumes = [\"./d:/x\"]", "volumes = [\"./d/:/x/\"]", "", false),
        ("volumes = [\"v:/x\"]\n[volumes.v]", "volumes = [\"v:/x\"]\n[volumes.v]\nname = \"shop-dev_v\"", "", false),
        (
            "volumes = [\"v:/x\"]",
            "volumes = [{ type = \"volume\", source = \"v\", target = \"/x\", volume.nocopy = false }]",
            VOLUME,
            true,
        ),
        ("ulimits.nofile = 5", "ulimits.nofile = { soft = 5, hard = 5 }", "", true),
        ("build = \".\"", "build = { context = \".\", dockerfile = \"Dockerfile\" }", "", false),
        (
            "build = { context = \".\", extra_hosts = [\"a=1.1.1.1\"] }",
            "build = { context = \".\", extra_hosts = { a = \"1.1.1.1\" } }",
            "",
            false,
        ),
        (
            "build = { context = \".\", ssh = [\"default\"] }",
            "build = { context = \".\", ssh = { default = \"\" } }",
            "",
            false,
        ),
        (
            "build = \".\"\ndevelop.watch = [{ path = \".\", action = \"rebuild\", ignore = \"a\" }]",
            "build = \".\"\ndevelop.watch = [{ path = \".\", action = \"rebuild\", ignore = [\"a\"] }]",
            "",
            false,
        ),
        ("volumes_from = [\"b:rw\"]", "volumes_from = [\"b\"]", OTHER, true),
        ("links = [\"b\"]", "links = [\"b:b\"]", OTHER, true),
        ("models = [\"m\"]", "models.m = {}", "\n[models.m]\nmodel = \"x\"", true),
        ("restart = \"on-failure:0\"", "restart = \"on-failure\"", "", true),
        ("pull_policy = \"if_not_present\"", "pull_policy = \"missing\"", "", false),
        ("pull_policy = \"every_60m\"", "pull_policy = \"every_1h\"", "", false),
        ("stop_grace_period = \"10s\"", "", "", true),
        ("attach = true", "", "", true),
        ("expose = [\"80/tcp\"]", "expose = [\"80\"]", "", true),
        ("cap_add = [\"NET_ADMIN\"]", "cap_add = [\"CAP_NET_ADMIN\"]", "", true),
        ("security_opt = [\"label=disable\"]", "security_opt = [\"label:disable\"]", "", true),
        ("privileged = false", "", "", false),
        ("gpus = [{ count = 1, options = { a = \"b\" } }]", "gpus = [{ count = 1, options = [\"a=b\"] }]", "", false),
        ("cap_add = []", "", "", false),
        ("user = \"\"", "", "", false),
        ("ulimits = {}", "", "", false),
        ("deploy = {}", "", "", true),
        ("deploy = { resources = {} }", "", "", true),
        ("healthcheck = { test = \"a\", disable = false }", "healthcheck = { test = \"a\" }", "", false),
        ("[networks.default]\ninternal = \"true\"", "[networks.default]\ninternal = true", "", false),
        ("group_add = [1]", "group_add = [\"1\"]", "", false),
        ("gpus = \"all\"", "gpus = [{ count = \"all\" }]", "", false),
        ("gpus = [{ count = 1 }]", "gpus = [{ count = \"1\" }]", "", false),
        ("gpus = [{ count = 1, driver = \"nvidia\" }]", "gpus = [{ driver = \"nvidia\", count = 1 }]", "", false),
        ("devices = [\"/dev/x\"]", "devices = [\"/dev/x:/dev/x:rwm\"]", "", false),
        (
            "devices = [\"/dev/x\"]",
            "devices = [{ source = \"/dev/x\", target = \"/dev/x\", permissions = \"rwm\" }]",
            "",
            false,
        ),
        ("devices = [\"/dev/x\"]", "devices = [{ source = \"/dev/x\", target = \"/dev/x\" }]", "", true),
    ] {
        for (before, after) in [(before, after), (after, before)] {
            let spec = |lines: &str| format!("{OWN}{lines}{end}\n");
            let (again, changes): (Vec<Change>, Vec<Change>) = compared(&spec(before), &spec(after))
                .into_iter()
                .partition(|change| change.id == Id::ContainerRecreated);
            let [change] = changes.as_slice() else { panic!("{before} {after}: {changes:#?}") };
            assert!(change.severity == Severity::Notice && change.what.contains("written differently"), "{change:?}");
            assert_eq!(!again.is_empty(), recreated, "{before} {after}");
        }
    }
}

/// Compose reads extensions, but does not hash them (`docker-compose config --hash`).
#[test]
fn what_compose_does_not_hash_recreates_nothing() {
    let member = "networks = { default = { x-a = 1 } }";
    for (from, to, end, expected) in [
        ("healthcheck = { test = \"a\", x-a = 1 }", "x-a = 2", "", "`x-a` changed"),
        ("ports = [{ target = 80, published = 80, x-a = 1 }]", "x-a = 2", "", "`x-a` changed"),
        (member, "x-a = 2", "", "`networks` changed"),
        ("build = { context = \".\", x-a = 1 }", "x-a = 2", "", "`build` changed"),
        ("deploy = { x-a = 1 }", "x-a = 2", "", "`deploy` changed"),
        (
            "secrets = [{ source = \"s\", x-a = 1 }]",
            "x-a = 2",
            "[secrets.s]\nfile = \"./a\"\n",
            "options of the secret",
        ),
        (
            "volumes = [{ type = \"bind\", source = \"./a\", target = \"/a\", x-a = 1 }]",
            "x-a = 2",
            "",
            "mount options of",
        ),
    ] {
        let before = if from == member { OWN.replace("networks = [\"default\"]\n", "") } else { OWN.to_owned() };
        let before = format!("{before}{from}\n{end}");
        let changes = compared(&before, &before.replace("x-a = 1", to));
        let [change] = changes.as_slice() else { panic!("{from}: {changes:#?}") };
        assert!(change.what.starts_with(expected), "{from}: {change:?}");
    }
    let refresh = |after: &str| format!("{OWN}pull_refresh_after = \"{after}\"\n");
    let changes = compared(&refresh("1h"), &refresh("2h"));
    let found: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(found, ["`pull_refresh_after` changed"]);
    // These names are not extensions.
    for lines in ["annotations.x-a = \"1\"", "logging.options.x-a = \"1\""] {
        let before = format!("{OWN}{lines}\n");
        let found: Vec<Id> =
            compared(&before, &before.replace("\"1\"", "\"2\"")).iter().map(|change| change.id).collect();
        assert_eq!(found, [Id::ServiceChanged, Id::ContainerRecreated], "{lines}");
    }
    // What is hidden is a change, too.
    let hidden = format!(
        "{}[networks.n]\n",
        OWN.replace("networks = [\"default\"]", "networks.n.driver_opts.password = \"abc123def\"")
    );
    let changes = compared(&hidden, &hidden.replace("abc123def", "zzz123def"));
    let found: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(found, ["`networks` changed (the value is hidden)", "recreated: networks"]);
}

/// Compose has a table of networks, whose order its hash does not have.
#[test]
fn the_order_of_networks_recreates_nothing() {
    let spec = |names: &str| OWN.replace("[\"default\"]", names) + "[networks.p]\n[networks.q]\n";
    let changes = compared(&spec("[\"p\", \"q\"]"), &spec("[\"q\", \"p\"]"));
    let found: Vec<(Id, &str)> = changes.iter().map(|change| (change.id, change.what.as_str())).collect();
    assert_eq!(found, [(Id::ServiceChanged, "`networks` changed")]);
}

/// A device with fewer rights, or reserved with another key.
#[test]
fn a_device_is_a_danger_only_if_more_is_granted() {
    let dangers = |before: &str, after: &str| {
        let changes = compared(&format!("{OWN}{before}\n"), &format!("{OWN}{after}\n"));
        changes.into_iter().filter(|change| change.severity == Severity::Danger).map(|change| change.name()).collect()
    };
    let none: [&str; 0] = [];
    let device = |access: &str| format!("devices = [\"/dev/x:/dev/x{access}\"]");
    for (less, more) in [(":r", ":rw"), (":r", ":rwm"), (":rw", "")] {
        let found: Vec<String> = dangers(&device(more), &device(less));
        assert_eq!(found, none);
        let found: Vec<String> = dangers(&device(less), &device(more));
        assert_eq!(found, [format!("device-access.own:/dev/x:/dev/x{more}")]);
    }
    let found: Vec<String> = dangers(&device(""), &device("").replace("dev/x:", "dev/y:"));
    assert_eq!(found, ["device-access.own:/dev/y:/dev/x"]);
    for (one, other, expected) in [
        (
            "device_cgroup_rules = [\"a 1:1 rwm\"]",
            "device_cgroup_rules = [\"a 1:1 r\"]",
            &["device-access.own:a 1:1 rwm"][..],
        ),
        (
            "gpus = [{ device_ids = [\"1\", \"2\"] }]",
            "gpus = [{ device_ids = [\"1\"] }]",
            &["gpu-access.own:device_ids [\"2\"]"],
        ),
        ("gpus = [{ device_ids = [\"1\", \"2\"] }]", "gpus = [{ device_ids = [\"2\", \"1\"] }]", &[]),
    ] {
        let found: Vec<String> = dangers(one, other);
        assert_eq!(found, none);
        let found: Vec<String> = dangers(other, one);
        assert_eq!(found, expected);
    }
    let reserved = "deploy.resources.reservations.devices = [{ capabilities = [\"gpu\"], count = 1 }]";
    let found: Vec<String> = dangers(reserved, "gpus = [{ count = 1 }]");
    assert_eq!(found, none);
}

/// Fewer GPUs are no danger, and values are shown as the spec writes them.
#[test]
fn what_is_less_is_no_danger() {
    let spec = format!("{SHOP}[services.own]\nimage = \"own:1\"\n");
    for (from, to, expected) in [
        ("gpus = \"all\"", "gpus = [{ count = 1 }]", "notice privileges own: loses access to GPUs of the host: `all`"),
        (
            "gpus = [{ count = 2 }]",
            "gpus = [{ count = 1 }]",
            "notice privileges own: loses access to GPUs of the host: `count 2`",
        ),
        (
            "gpus = [{ count = 1 }]",
            "gpus = [{ count = 2 }]",
            "danger privileges own: gains access to GPUs of the host: `count 2`",
        ),
        (
            "gpus = [{ device_ids = [\"0\"] }]",
            "gpus = [{ count = 1 }]",
            "danger privileges own: gains access to GPUs of the host: `count 1`",
        ),
        (
            "volumes = [{ type = \"volume\", source = \"data\", target = \"/d\", volume.subpath = \"a\" }]",
            "volumes = [{ type = \"volume\", source = \"data\", target = \"/d\", volume.subpath = \"b\" }]",
            "caution mounts own: another part is mounted at `/d`: the data in the old one is not moved \
             [volume { subpath = \"a\" } -> volume { subpath = \"b\" }]",
        ),
        (
            "volumes = [{ type = \"tmpfs\", target = \"/d\", tmpfs.size = \"1g\" }]",
            "volumes = [{ type = \"tmpfs\", target = \"/d\", tmpfs.size = \"1024m\" }]",
            "notice mounts own: mount options of `/d` are written differently, with the same meaning \
             [tmpfs { size = \"1g\" } -> tmpfs { size = \"1024m\" }]",
        ),
        (
            "secrets = [{ source = \"s\", mode = 0o400 }]\n[secrets.s]\nfile = \"./s\"",
            "secrets = [\"s\"]\n[secrets.s]\nfile = \"./s\"",
            "caution secrets own: more users can read the secret `s` [mode 0o400 -> -]",
        ),
        (
            "secrets = [{ source = \"s\", mode = \"0444\" }]\n[secrets.s]\nfile = \"./s\"",
            "secrets = [{ source = \"s\", mode = \"0440\" }]\n[secrets.s]\nfile = \"./s\"",
            "notice secrets own: options of the secret `s` changed [mode 0o444 -> mode 0o440]",
        ),
        (
            "credential_spec.file = \"a.json\"",
            "credential_spec.file = \"b.json\"",
            "notice services own: `credential_spec` changed [file a.json -> file b.json]",
        ),
        (
            "blkio_config.device_read_iops = [{ path = \"/dev/a\", rate = 1 }]",
            "blkio_config.device_read_iops = [{ path = \"/dev/a\", rate = 2 }]",
            "notice services own: `blkio_config` changed [device_read_iops [{ path = \"/dev/a\", rate = 1 }] -> \
             device_read_iops [{ path = \"/dev/a\", rate = 2 }]]",
        ),
    ] {
        let repository = Repository::new(&format!("{spec}{from}\n"));
        repository.project.replace("spec/stack.toml", from, to);
        let (_, changes) = repository.changes(&[]);
        assert!(changes.iter().any(|change| change == expected), "{to}: {changes:#?}");
        let danger = changes.iter().any(|change| change.starts_with("danger"));
        assert_eq!(danger, expected.starts_with("danger"), "{changes:#?}");
    }
}

#[test]
fn only_what_a_volume_is_created_from_loses_its_data() {
    let spec = SHOP.replace("[volumes.data]\n", "[volumes.data]\nlabels = [\"a=b\"]\n");
    case(
        &spec,
        &[("labels = [\"a=b\"]", "labels = { a = \"b\" }\nx-a = 3")],
        &[
            "notice volumes data: `labels` is written differently, with the same meaning",
            "notice volumes data: `x-a` added [- -> 3]",
        ],
    );
    case(
        &spec,
        &[("labels = [\"a=b\"]", "labels = [\"a=b\"]\ndriver_opts.type = \"nfs\"")],
        &[
            "danger volumes data: cannot be changed: Compose must delete it, including its data, and create it again [- -> driver_opts { type = \"nfs\" }]",
        ],
    );
}

/// The changes between two main files, without a repository.
fn compared(before: &str, after: &str) -> Vec<Change> {
    try_compared(before, after).unwrap_or_else(|problem| panic!("{problem}"))
}

fn try_compared(before: &str, after: &str) -> Result<Vec<Change>, String> {
    let plans = |text: &str| {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", text.to_owned());
        super::artifacts::push_files(&mut sources, text);
        for name in ["a.txt", "b.txt"].into_iter().filter(|name| text.contains(name)) {
            sources.push_template(name, Ok(name.to_owned()));
        }
        stackgen::plan(&sources, None).map_err(|diagnostics| format!("{diagnostics:?} in {text}"))
    };
    Ok(stackgen::review::review(&plans(before)?, &plans(after)?, &()).unwrap().changes)
}

/// A service without privileges, to which a case adds lines; what `@` separates is added at the end.
const OWN: &str = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.own]\nimage = \"own:1\"\nread_only = true\n\
                   cap_drop = [\"ALL\"]\nnetworks = [\"default\"]\n";

/// Each key that gives a container the host, and what a review says of it: severity, id and what it is about.
const PRIVILEGES: &[(&str, &str)] = &[
    ("privileged = true", "danger privileged"),
    ("privileged = \"${P:-true}\"@[env.P]\ndescription = \"P\"", "danger privileged"),
    ("privileged = \"${P}\"@[env.P]\ndescription = \"P\"\ndefault = true", "danger privileged"),
    ("privileged = \"${P}\"@[env.P]\ndescription = \"P\"", "caution privilege-variable privileged"),
    ("privileged = \"${P:-false}\"@[env.P]\ndescription = \"P\"", ""),
    ("use_api_socket = true", "danger engine-socket use_api_socket"),
    // Whether the variable is set decides, and it may be either.
    ("volumes = [\"/${P:+data}:/h:ro\"]@[env.P]\ndescription = \"P\"", "danger host-root /"),
    (
        "volumes = [\"./${P:+../../../../../../etc}:/h:ro\"]@[env.P]\ndescription = \"P\"",
        "danger host-system-path ../../../../../../../../etc",
    ),
    ("network_mode = \"${P:+no}host\"@[env.P]\ndescription = \"P\"", "danger host-network"),
    (
        "network_mode = \"${P:+ho}${Q:+no}st\"@[env.P]\ndescription = \"P\"\n[env.Q]\ndescription = \"Q\"",
        "danger host-network",
    ),
    ("user = \"${P:+1000}0\"@[env.P]\ndescription = \"P\"", "danger root-user"),
    (
        "post_start = [{ command = \"x\", user = \"${P:+1}0\" }]@[env.P]\ndescription = \"P\"",
        "danger root-hook post_start:x",
    ),
    (
        "build = { context = \".\", network = \"${P:+no}host\" }@[env.P]\ndescription = \"P\"",
        "danger privileged-build build.network",
    ),
    ("env_file = \"${P:+a}/etc/shadow\"@[env.P]\ndescription = \"P\"", "danger host-system-path /etc/shadow"),
    (
        "networks = [\"h\"]@[networks.h]\nexternal = true\nname = \"${P:+no}host\"\n[env.P]\ndescription = \"P\"",
        "danger host-network",
    ),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"nfs\", device = \"/\", o = \"${P:+no}bind\" }\n[env.P]\ndescription = \"P\"",
        "danger host-root /:rw",
    ),
    (
        "volumes = [\"./${HOME:+../../../../../../../etc}:/h:ro\"]@[env.HOME]\ndescription = \"H\"",
        "danger host-system-path ../../../../../../../../../etc",
    ),
    ("gpus = \"all\"", "danger gpu-access all"),
    ("deploy.resources.reservations.devices = [{ capabilities = [\"gpu\"] }]", "danger gpu-access all"),
    ("post_start = [{ command = \"x\", privileged = true }]", "danger privileged-hook post_start:x"),
    ("pre_stop = [{ command = \"x\", user = \"root\" }]", "danger root-hook pre_stop:x"),
    (
        "pre_stop = [{ command = \"x\", user = \"${U:-0}\" }]@[env.U]\ndescription = \"U\"",
        "danger root-hook pre_stop:x",
    ),
    (
        "develop.watch = [{ path = \"./x\", target = \"/x\", action = \"sync+exec\", exec = { command = \"x\", privileged = true } }]",
        "danger privileged-hook develop.watch:x",
    ),
    ("build = { context = \".\", privileged = true }", "danger privileged-build build.privileged"),
    ("build = { context = \".\", network = \"host\" }", "danger privileged-build build.network"),
    (
        "build = { context = \".\", entitlements = [\"security.insecure\"] }",
        "danger privileged-build security.insecure",
    ),
    ("build = { context = \".\", ssh = [\"default\"] }", "danger ssh-forwarded default"),
    ("build = \"~/.ssh\"", "danger host-credentials ~/.ssh"),
    ("build = \"../other\"", "caution path-outside-project ../../../other"),
    ("build = \"https://github.com/a/b.git\"", ""),
    (
        "build = { context = \".\", additional_contexts = { keys = \"/etc/ssl/private\" } }",
        "danger host-system-path /etc/ssl/private",
    ),
    ("build = { context = \".\", additional_contexts = [\"keys=/root\"] }", "danger host-system-path /root"),
    ("build = { context = \".\", additional_contexts = { base = \"docker-image://a:1\" } }", ""),
    (
        "build = { context = \".\", additional_contexts = { keys = \"oci-layout:///etc\" } }",
        "danger host-system-path /etc",
    ),
    ("build = { context = \".\", dockerfile = \"/etc/shadow\" }", "danger host-system-path /etc/shadow"),
    (
        "build = { context = \".\", dockerfile = \"../x/Dockerfile\" }",
        "caution path-outside-project ../../../x/Dockerfile",
    ),
    ("build = { context = \".\", dockerfile = \"x/Dockerfile\" }", ""),
    ("build = { context = \".\", cache_to = [\"type=local,dest=/etc\"] }", "danger host-system-path /etc:rw"),
    ("build = { context = \".\", cache_to = [\"type=local,DEST=/etc\"] }", "danger host-system-path /etc:rw"),
    ("build = { context = \".\", cache_to = [\"type=local,\\\"dest=/etc\\\"\"] }", "danger host-system-path /etc:rw"),
    ("build = { context = \".\", cache_to = [\"dest=./x,dest=/etc\"] }", "danger host-system-path /etc:rw"),
    ("build = { context = \".\", cache_from = [\"type=local,src=~/.ssh\"] }", "danger host-credentials ~/.ssh"),
    ("build = { context = \".\", cache_from = [\"type=registry,ref=a/b\"] }", ""),
    (
        "build = { context = \".\", secrets = [\"s\"] }@[secrets.s]\nfile = \"/etc/shadow\"",
        "danger host-system-path /etc/shadow",
    ),
    ("provider.type = \"awesomecloud\"", "danger host-program awesomecloud"),
    ("extends = { file = \"other.yml\", service = \"x\" }", "danger extends-file ../../other.yml:x"),
    ("volumes_from = [\"container:x:ro\"]", "danger foreign-volumes x"),
    ("volumes_from = [\"other\"]@[services.other]\nimage = \"a:1\"", "caution borrowed-volumes other"),
    ("volumes_from = [\"other:ro\"]@[services.other]\nimage = \"a:1\"", ""),
    ("pid = \"host\"", "danger host-namespace pid"),
    ("pid = \"${N:-host}\"@[env.N]\ndescription = \"N\"", "danger host-namespace pid"),
    ("pid = \"${N}\"@[env.N]\ndescription = \"N\"", "caution privilege-variable pid"),
    ("pid = \"container:x\"", "danger foreign-namespace pid:x"),
    ("pid = \"ns:/proc/1/ns/pid\"", "danger host-namespace pid:/proc/1/ns/pid"),
    ("ipc = \"${N:-host}\"@[env.N]\ndescription = \"N\"", "danger host-namespace ipc"),
    ("uts = \"${N:+host}\"@[env.N]\ndescription = \"N\"", "danger host-namespace uts"),
    ("userns_mode = \"host\"", "danger host-namespace userns_mode"),
    ("cgroup = \"host\"", "danger host-namespace cgroup"),
    ("runtime = \"runsc\"", ""),
    ("runtime = \"nvidia\"", "danger gpu-access nvidia"),
    ("runtime = \"own\"", "danger unknown-runtime own"),
    ("runtime = \"${R}\"@[env.R]\ndescription = \"R\"", "caution privilege-variable runtime"),
    ("user = \"${U:-root}\"@[env.U]\ndescription = \"U\"", "danger root-user"),
    ("user = \"00:1\"", "danger root-user"),
    ("user = \"${U}\"@[env.U]\ndescription = \"U\"\nrequired = true", "caution privilege-variable user"),
    ("cap_add = [\"${C:-sys_admin}\"]@[env.C]\ndescription = \"C\"", "danger capability-added SYS_ADMIN"),
    ("cap_add = [\"${C}\"]@[env.C]\ndescription = \"C\"", "caution privilege-variable cap_add"),
    (
        "security_opt = [\"no-new-privileges\", \"seccomp=${S:-unconfined}\"]@[env.S]\ndescription = \"S\"",
        "danger security-option seccomp=unconfined",
    ),
    ("security_opt = [\"no-new-privileges\", \"label=type:spc_t\"]", "danger security-option label=type:spc_t"),
    (
        "security_opt = [\"no-new-privileges\", \"label=type:unconfined_t\"]",
        "danger security-option label=type:unconfined_t",
    ),
    (
        "security_opt = [\"no-new-privileges\", \"systempaths=unconfined\"]",
        "danger security-option systempaths=unconfined",
    ),
    (
        "security_opt = [\"no-new-privileges\", \"writable-cgroups=true\"]",
        "danger security-option writable-cgroups=true",
    ),
    ("security_opt = [\"no-new-privileges\", \"unmask=ALL\"]", "danger security-option unmask=ALL"),
    (
        "security_opt = [\"no-new-privileges\", \"seccomp=./own.json\"]",
        "caution custom-security-profile seccomp=./own.json",
    ),
    ("security_opt = [\"no-new-privileges:${S:-true}\"]@[env.S]\ndescription = \"S\"", ""),
    ("security_opt = [\"no-new-privileges:false\"]", "danger privilege-escalation"),
    ("devices = [\"/dev/kvm\"]", "danger device-access /dev/kvm"),
    ("device_cgroup_rules = [\"c *:* rwm\"]", "danger device-access c *:* rwm"),
    ("group_add = [\"docker\"]", "caution group-added docker"),
    ("volumes = [\"/:/h:ro\"]", "danger host-root /"),
    ("volumes = [\"//:/h\"]", "danger host-root /:rw"),
    ("volumes = [\"/srv/../:/h\"]", "danger host-root /:rw"),
    ("volumes = [\"${D:-/}:/h\"]@[env.D]\ndescription = \"D\"", "danger host-root /:rw"),
    ("volumes = [\"${D}:/h:ro\"]@[env.D]\ndescription = \"D\"\nrequired = true", "caution host-path-variable ${D}"),
    ("volumes = [\"/proc/:/h:ro\"]", "danger host-system-path /proc"),
    ("volumes = [\"/./etc/passwd:/h:ro\"]", "danger host-system-path /etc/passwd"),
    ("volumes = [\"../../../../../../etc:/h:ro\"]", "danger host-system-path ../../../../../../../../etc"),
    ("volumes = [\"/var/lib/docker:/h:ro\"]", "danger host-system-path /var/lib/docker"),
    ("volumes = [\"~:/h:ro\"]", "danger host-home ~"),
    ("volumes = [\"${HOME}/.ssh/:/h:ro\"]@[env.HOME]\ndescription = \"H\"", "danger host-credentials ~/.ssh"),
    ("volumes = [\"~/.kube/config:/h:ro\"]", "danger host-credentials ~/.kube/config"),
    ("volumes = [\"/run/user/1000/podman/podman.sock:/s\"]", "danger engine-socket /run/user/1000/podman/podman.sock"),
    ("volumes = [\"/srv/own.sock:/var/run/docker.sock\"]", "danger engine-socket /srv/own.sock"),
    (
        "volumes = [{ type = \"npipe\", source = \"//./pipe/docker_engine\", target = \"/h\" }]",
        "danger engine-socket //./pipe/docker_engine",
    ),
    ("volumes = [\"/srv/data:/h\"]", "caution host-path-writable /srv/data"),
    ("volumes = [\".:/h\"]", "danger host-start-file ../../:rw"),
    ("volumes = [\".:/h:ro\"]", ""),
    ("volumes = [\"./spec:/h\"]", "caution host-path-writable ../../spec"),
    ("volumes = [\"./.git/hooks:/h\"]", "danger host-start-file ../../.git/hooks:rw"),
    ("volumes = [\"~/.bashrc:/h\"]", "danger host-start-file ~/.bashrc:rw"),
    ("volumes = [\"~/.zsh_history:/h:ro\"]", "danger host-credentials ~/.zsh_history"),
    (
        "volumes = [\"/var/snap/lxd/common/lxd/unix.socket:/s\"]",
        "danger engine-socket /var/snap/lxd/common/lxd/unix.socket",
    ),
    ("volumes = [\"/mnt/c:/h:ro\"]", "danger host-system-path /mnt/c"),
    ("volumes = [\"/etc/localtime:/etc/localtime:ro\"]", ""),
    ("volumes = [\"./site:/h\"]", ""),
    ("volumes = [\"./.husky:/h\"]", "danger host-start-file ../../.husky:rw"),
    ("volumes = [\"./.github:/h:ro\"]", ""),
    (
        "volumes = [\"${SSH_AUTH_SOCK:-./x}:/h:ro\"]@[env.SSH_AUTH_SOCK]\ndescription = \"S\"",
        "danger host-credentials ~/.ssh/agent",
    ),
    (
        "volumes = [\"${XDG_RUNTIME_DIR:-./x}/docker.sock:/h:ro\"]@[env.XDG_RUNTIME_DIR]\ndescription = \"X\"",
        "danger engine-socket /run/user/1000/docker.sock",
    ),
    (
        "volumes = [{ type = \"bind\", source = \"./site\", target = \"/h\", bind.propagation = \"rshared\" }]",
        "danger mount-propagation /h",
    ),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"none\", o = \"bind\", device = \"/etc\" }",
        "danger host-system-path /etc:rw",
    ),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"none\", o = \"bind\", device = \"${D:-/}\" }\n[env.D]\ndescription = \"D\"",
        "danger host-root /:rw",
    ),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"tmpfs\", o = \"bind\", device = \"/etc\" }",
        "danger host-system-path /etc:rw",
    ),
    ("security_opt = [\"no-new-privileges:true\", \"no-new-privileges:false\"]", "danger privilege-escalation"),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"ext4\", device = \"/dev/sda1\" }",
        "danger device-access /dev/sda1",
    ),
    (
        "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"overlay\", o = \"lowerdir=/,upperdir=/u,workdir=/w\", device = \"overlay\" }",
        "danger host-system-path lowerdir=/,upperdir=/u,workdir=/w",
    ),
    ("volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"nfs\", o = \"addr=10.0.0.1\", device = \":/x\" }", ""),
    ("volumes = [\"d:/h\"]@[volumes.d]\ndriver = \"own\"", "caution volume-plugin d"),
    ("secrets = [\"s\"]@[secrets.s]\nfile = \"~/.ssh/id_rsa\"", "danger host-credentials ~/.ssh/id_rsa"),
    ("secrets = [\"s\"]@[secrets.s]\nfile = \"./token\"", ""),
    (
        "build = { context = \".\", secrets = [\"s\"] }@[secrets.s]\nenvironment = \"AWS_SECRET_ACCESS_KEY\"\n[env.AWS_SECRET_ACCESS_KEY]\ndescription = \"A\"",
        "danger host-credentials AWS_SECRET_ACCESS_KEY",
    ),
    (
        "build = { context = \".\", secrets = [\"s\"] }@[secrets.s]\nenvironment = \"DB_PASSWORD\"\n[env.DB_PASSWORD]\ndescription = \"D\"",
        "",
    ),
    ("configs = [\"s\"]@[configs.s]\nfile = \"/etc/shadow\"", "danger host-system-path /etc/shadow"),
    ("env_file = \"/proc/1/environ\"", "danger host-system-path /proc/1/environ"),
    ("env_file = [{ path = \"../x.env\" }]", "caution path-outside-project ../../../x.env"),
    ("label_file = \"~/.netrc\"", "danger host-credentials ~/.netrc"),
    ("develop.watch = [{ path = \"/root\", target = \"/x\", action = \"sync\" }]", "danger host-system-path /root"),
    ("networks = [\"h\"]@[networks.h]\nexternal = true\nname = \"host\"", "danger host-network"),
    ("networks = [\"h\"]@[networks.h]\ndriver = \"macvlan\"", "caution host-network h"),
    (
        "networks = [\"h\"]@[networks.h]\ndriver_opts = { \"com.docker.network.bridge.gateway_mode_ipv4\" = \"routed\" }",
        "danger host-network h",
    ),
    ("network_mode = \"host\"", "danger host-network"),
    ("network_mode = \"${N:-host}\"@[env.N]\ndescription = \"N\"", "danger host-network"),
    (
        "network_mode = \"${N}\"@[env.N]\ndescription = \"N\"\nrequired = true",
        "caution privilege-variable network_mode",
    ),
    ("network_mode = \"container:x\"", "danger foreign-namespace network_mode:x"),
    ("network_mode = \"ns:/proc/1/ns/net\"", "danger host-namespace network_mode:/proc/1/ns/net"),
    ("networks = [\"h\"]@[networks.h]\nexternal = { name = \"host\" }", "danger host-network"),
];

fn with_privilege(lines: &str) -> String {
    let (lines, end) = lines.split_once('@').unwrap_or((lines, ""));
    let key = lines.split(['=', ' ']).next().unwrap();
    let mut spec = OWN.replace("image = \"own:1\"\n", &format!("image = \"own:1\"\n{lines}\n"));
    if key.starts_with("network") {
        spec = spec.replace("networks = [\"default\"]\n", "");
    }
    format!("{spec}{end}\n")
}

#[test]
fn what_gives_a_container_the_host() {
    let mut wrong = Vec::new();
    for &(lines, expected) in PRIVILEGES {
        let after = with_privilege(lines);
        let changes = match try_compared(OWN, &after) {
            Ok(changes) => changes,
            Err(problem) => {
                wrong.push(problem);
                continue;
            }
        };
        let found: Vec<String> = changes
            .into_iter()
            .filter(|change| change.area == Area::Privileges && change.severity != Severity::Notice)
            .filter(|change| change.id != Id::UserChanged)
            .map(|change| {
                assert_eq!(change.subject, "own");
                let severity = if change.severity == Severity::Danger { "danger" } else { "caution" };
                let thing = change.thing.map(|thing| format!(" {thing}")).unwrap_or_default();
                format!("{severity} {}{thing}", change.id.as_str())
            })
            .collect();
        let expected: Vec<&str> = expected.split("; ").filter(|line| !line.is_empty()).collect();
        // A new service says the same, but for credentials that kinds need.
        let new = compared("[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n", &after);
        let of_new = |change: &&Change| change.area == Area::Privileges && change.severity != Severity::Notice;
        if found != expected || new.iter().filter(of_new).count() != expected.len() {
            wrong.push(format!("{lines}: {found:?}, not {expected:?}; {new:?}"));
        }
        // What is the same is not reported.
        assert_eq!(compared(&after, &after), [], "{lines}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is accepted is listed with its reason, and only what the base accepts.
#[test]
fn a_danger_is_accepted_only_if_the_base_accepts_it() {
    let accepting = |lines: &str| format!("{SHOP}\n[accepted]\n{lines}\n");
    let reason = "engine-socket.\"web:/run/docker.sock\" = \"It lists the containers\"";
    let socket =
        ("user = \"1000\"", "user = \"1000\"\nvolumes = [\"/run/docker.sock:/run/docker.sock\", \"/etc:/h:ro\"]");
    let run = |base: &str, branch: &str, arguments: &[&str]| {
        let repository = Repository::new(base);
        repository.project.write("spec/stack.toml", branch);
        repository.review(arguments)
    };
    let json = |base: &str, branch: &str| -> (Option<i32>, Value) {
        let run = run(base, branch, &["--format", "json"]);
        (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}")))
    };
    let of = |report: &Value, id: &str| -> Value {
        let changes = report["changes"].as_array().unwrap();
        changes.iter().find(|change| change["id"] == id).cloned().unwrap_or_default()
    };
    // Only one of the two dangers is accepted.
    let base = accepting(reason);
    let (code, report) = json(&base, &base.replace(socket.0, socket.1));
    assert_eq!((code, &report["counts"]["danger"], &report["counts"]["accepted"]), (Some(1), &1.into(), &1.into()));
    assert_eq!(of(&report, "engine-socket")["accepted"], "It lists the containers");
    assert_eq!(of(&report, "host-system-path")["accepted"], Value::Null);
    // Each of several paths is accepted by itself.
    let base = accepting(&format!("{reason}\nhost-system-path.\"web:/etc\" = \"It reads the time zone\""));
    let branch = base.replace(socket.0, socket.1);
    assert_eq!(json(&base, &branch).0, Some(0));
    assert_eq!(json(&base, &branch.replace("/etc:/h", "/proc:/h")).0, Some(1));
    // So is to write there.
    assert_eq!(json(&base, &branch.replace("/etc:/h:ro", "/etc:/h")).0, Some(1));
    // Another socket is another danger.
    assert_eq!(json(&base, &branch.replace("/run/docker.sock:/run", "/run/podman/podman.sock:/run")).0, Some(1));
    // Its own acceptance, or another reason, gets a branch nothing.
    let (code, report) = json(SHOP, &branch);
    assert_eq!((code, &report["counts"]["danger"], &report["counts"]["accepted"]), (Some(1), &2.into(), &0.into()));
    assert_eq!(of(&report, "change-accepted")["severity"], "caution");
    let (code, report) = json(&base, &branch.replace("It lists the containers", "Nothing to see here"));
    assert_eq!((code, of(&report, "engine-socket")["accepted"].as_str()), (Some(0), Some("It lists the containers")));
    assert_eq!(of(&report, "change-accepted")["after"], "Nothing to see here");
    // One that is taken away no longer counts.
    let (code, report) = json(&base, &SHOP.replace(socket.0, socket.1));
    assert_eq!((code, &report["counts"]["danger"]), (Some(1), &2.into()));
    let text = run(&base, &branch, &[]);
    assert_eq!(text.code, Some(0), "{text:?}");
    let said = text.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "accepted[engine-socket] web: gains the engine's socket: whoever controls the container controls the host \
             reason: It lists the containers"
        ),
        "{}",
        text.stdout
    );
    assert!(said.contains("2 accepted, "), "{}", text.stdout);
    let markdown = run(&base, &branch, &["--format", "markdown"]).stdout;
    assert!(markdown.contains("#### Accepted") && markdown.contains("It lists the containers"), "{markdown}");
    // How to accept a danger is shown for one.
    let text = run(SHOP, &SHOP.replace(socket.0, socket.1), &[]).stdout;
    assert!(text.contains("engine-socket.\"web:/run/docker.sock\" = \"…\""), "{text}");
}

/// What is edited, and ids of the changes there and back.
type Case = (String, Vec<(&'static str, &'static str)>, &'static [&'static str], &'static [&'static str]);

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let case = |spec: &str, from, to, there, back| -> Case { (spec.to_owned(), vec![(from, to)], there, back) };
    let own = |end: &str| format!("{OWN}{end}");
    let boards = format!(
        "{}\n[dashboards.main]\nfolder = \"main\"\ntitle = \"Main\"\n[dashboards.main.panels.Up]\ntype = \"stat\"\nqueries = \"up\"\n",
        include_str!("../dashboards/stack.toml")
    );
    let infrastructure = "[infrastructure]\nproject = \"p\"\nregion = \"eu-west-1\"\n[infrastructure.buckets.one]\ndescription = \"One\"\n";
    let image = "image = \"own:1\"\n";
    let mimir = format!(
        "{SHOP}\n[services.mimir]\nkind = \"mimir\"\nimage = \"grafana/mimir:2.16.1\"\nsettings.max_series = 9000\n#\n"
    );
    let patch = "[patches.\"config/mimir.yaml\"]\nreason = \"More\"\nset = { \"limits.ingestion_rate\" = 5 }";
    let by_hand = "[ejected]\n\"config/mimir.yaml\" = \"By hand\"";
    let (patched, ejected) = (mimir.replace('#', patch), mimir.replace('#', by_hand));
    let mut cases = vec![
        case(&mimir, "#", patch, &["patch-added"], &["patch-removed"]),
        case(&patched, "= 5 }", "= 6 }", &["patch-changed"], &["patch-changed"]),
        case(&mimir, "#", by_hand, &["output-ejected"], &["output-returned"]),
        case(&ejected, "= 9000", "= 8000", &["ejected-differs"], &["ejected-differs"]),
        case(SHOP, "[profiles.dev]", "[profiles.dev]\n[profiles.x]", &["profile-added"], &["profile-removed"]),
        case(SHOP, "name = \"shop\"", "name = \"store\"", &["project-renamed"], &[]),
        case(
            SHOP,
            "name = \"shop\"",
            "name = \"shop\"\nunmanaged = [\"generated/dev/docker-compose.override.yml\"]",
            &["unmanaged-path"],
            &["unmanaged-path"],
        ),
        case(
            SHOP,
            "[profiles.dev]",
            "[outputs]\ngenerated = \"deploy\"\n[profiles.dev]",
            &["outputs-moved"],
            &["outputs-moved"],
        ),
        case(SHOP, "name = \"shop\"", "name = \"shop\"\ntitle = \"Shop\"", &["stack-changed"], &[]),
        case(
            SHOP,
            "[profiles.dev]",
            "[external.mail]\nhost = \"smtp.example.com\"\nports.smtp = 25\n[profiles.dev]",
            &["external-changed"],
            &["external-changed"],
        ),
        case(TEA, "target = \"kubernetes\"\n", "", &["target-changed"], &["target-changed"]),
        case(TEA, "namespace = \"tea\"", "namespace = \"cups\"", &["kubernetes-changed"], &["kubernetes-changed"]),
        case(
            &TEA.replace("registry =", "gateway = \"infra/web\"\nregistry =")
                .replace("image = \"postgres:18.1\"", "image = \"postgres:18.1\"\nports.sql = { target = 5432 }"),
            "storage = \"1g\"",
            "storage = \"1g\", routes = { sql = \"tea.example.com\" }",
            &["route-changed"],
            &["route-changed"],
        ),
        case(
            &TEA.replace(
                "[volumes.data]",
                "ports.sql = { target = 5432 }\n[services.cup]\nimage = \"cup:1.0\"\nuser = \"1000\"\n[volumes.data]",
            ),
            "user = \"1000\"",
            "user = \"1000\"\nenvironment.DB = \"${db.sql}\"",
            &["policy-changed", "container-recreated", "environment-added"],
            &["policy-changed"],
        ),
        case(TEA, "contexts = []", "contexts = [\"prod\"]", &["context-changed"], &["context-changed"]),
        case(TEA, "storage = \"1g\"", "storage = \"2g\"", &["claim-changed"], &["claim-changed"]),
        case(TEA, "cpus = 0.1", "cpus = 0.2", &["workload-changed"], &[]),
        case(SHOP, "nginx:1.29", "httpd:2.4", &["image-changed"], &[]),
        case(SHOP, "nginx:1.29", "nginx:1.30", &["image-updated", "container-recreated"], &["image-downgraded"]),
        case(SHOP, "nginx:1.29", "nginx:2.0", &["image-major-version"], &[]),
        (
            OWN.to_owned(),
            vec![
                ("image = \"own:1\"", "image = \"own\""),
                (
                    "networks = [\"default\"]\n",
                    "networks = [\"default\"]\n[images.own]\nref = \"own:1\"\nbuild.context = \"${SRC}\"\n\
                     [env.SRC]\ndescription = \"S\"\ndefault = \"../own\"\n",
                ),
            ],
            &["build-added"],
            &["build-removed"],
        ),
        case(&with_privilege("build = \"./a\""), "\"./a\"", "\"./b\"", &["build-changed"], &[]),
        (
            REFERENCE.to_owned(),
            vec![
                ("[clusters.copilot", "[clusters.helper"),
                ("cluster = \"copilot\"", "cluster = \"helper\""),
                ("\"copilot_endpoint\"", "\"helper_endpoint\""),
            ],
            &["cluster-added", "cluster-removed", "resource-created", "resource-destroyed", "output-changed"],
            &[],
        ),
        case(
            REFERENCE,
            "history_shards = 4\n\n[clusters.monitored.dsql]\nhost = \"${TEMPORAL_SQL_HOST}\"\npool = 50",
            "history_shards = 8\n\n[clusters.monitored.dsql]\nhost = \"${TEMPORAL_SQL_HOST}\"\npool = 51",
            &["history-shards-changed", "cluster-changed"],
            &[],
        ),
        case(REFERENCE, "database = \"${COPILOT_DSQL_DATABASE}\"", "database = \"x\"", &["cluster-store-changed"], &[]),
        case(
            REFERENCE,
            "title = \"the monitored cluster\"",
            "title = \"the monitored cluster\"\nvisibility_index = \"temporal_visibility_v1_x\"",
            &["visibility-index-changed"],
            &[],
        ),
        case(
            REFERENCE,
            "title = \"the monitored cluster\"",
            "title = \"the monitored cluster\"\nnamespaces = { default = { retention = \"24h\" }, batch = {} }",
            &["namespace-changed"],
            &["namespace-changed"],
        ),
        case(
            REFERENCE,
            "\"frontend.persistenceMaxQPS\" = 6000",
            "\"frontend.persistenceMaxQPS\" = 1",
            &["dynamic-config-changed"],
            &[],
        ),
        case(
            &own("[services.aa]\nimage = \"a:1\"\n[services.bb]\nimage = \"b:1\"\n"),
            "[services.aa]\nimage = \"a:1\"\n[services.bb]\nimage = \"b:1\"\n",
            "[services.bb]\nimage = \"b:1\"\n[services.aa]\nimage = \"a:1\"\n",
            &["service-order-changed"],
            &[],
        ),
        case(SHOP, "[volumes.data]", "[volumes.data]\nname = \"other\"", &["volume-replaced"], &[]),
        case(SHOP, "[volumes.data]", "[volumes.data]\ndriver_opts.type = \"tmpfs\"", &["volume-recreated"], &[]),
        case(SHOP, "[volumes.data]", "[volumes.data]\nlabels.a = \"b\"", &["volume-changed"], &[]),
        (
            SHOP.to_owned(),
            vec![("volumes = [\"data:/var/lib/postgresql\"]\n", ""), ("[volumes.data]\n", "")],
            &["volume-orphaned", "volume-unmounted"],
            &["volume-added", "mount-added"],
        ),
        (
            SHOP.replace("[volumes.data]", "[volumes.data]\nexternal = true"),
            vec![("volumes = [\"data:/var/lib/postgresql\"]\n", ""), ("[volumes.data]\nexternal = true\n", "")],
            &["volume-removed"],
            &[],
        ),
        (
            OWN.to_owned(),
            vec![("networks = [\"default\"]\n", "networks = [\"n\"]\n[networks.n]\n")],
            &["network-added", "network-removed"],
            &[],
        ),
        case(
            &with_privilege("networks = [\"n\"]@[networks.n]"),
            "[networks.n]",
            "[networks.n]\ninternal = true\ndriver_opts.mtu = 1400",
            &["network-changed"],
            &["network-no-longer-internal"],
        ),
        (
            OWN.to_owned(),
            vec![(
                "networks = [\"default\"]\n",
                "networks = [\"default\"]\nsecrets = [\"s\"]\n[secrets.s]\nfile = \"./s\"\n",
            )],
            &["source-added", "file-granted"],
            &["source-removed", "file-revoked"],
        ),
        case(&with_privilege("secrets = [\"s\"]@[secrets.s]\nfile = \"./a\""), "./a", "./b", &["source-changed"], &[]),
        case(
            REFERENCE,
            "[services.elasticsearch-setup]",
            "[services.es-setup]",
            &["schema-step-added", "schema-step-removed"],
            &[],
        ),
        (
            REFERENCE.to_owned(),
            vec![
                ("[services.elasticsearch-setup]", "[services.es-setup]"),
                (
                    "[datasources.mimir]",
                    "[schema.elasticsearch]\ndescription = \"Own\"\nimage = \"temporal-admin-tools\"\n\
                     command = [\"own\"]\n[datasources.mimir]",
                ),
            ],
            &["schema-step-changed"],
            &[],
        ),
        case(
            &own("[schema.a]\ndescription = \"A\"\nimage = \"a:1\"\ncommand = [\"a\"]\n\
                 [schema.b]\ndescription = \"B\"\nimage = \"a:1\"\ncommand = [\"b\"]\n"),
            "[schema.a]\ndescription = \"A\"\nimage = \"a:1\"\ncommand = [\"a\"]\n[schema.b]\ndescription = \"B\"\nimage = \"a:1\"\ncommand = [\"b\"]\n",
            "[schema.b]\ndescription = \"B\"\nimage = \"a:1\"\ncommand = [\"b\"]\n[schema.a]\ndescription = \"A\"\nimage = \"a:1\"\ncommand = [\"a\"]\n",
            &["schema-order-changed"],
            &[],
        ),
        case(
            REFERENCE,
            "[datasources.cloudwatch]",
            "[datasources.x]\ntype = \"cloudwatch\"\ntitle = \"X\"\n[datasources.cloudwatch]",
            &["datasource-added"],
            &["datasource-removed"],
        ),
        case(
            &boards,
            "[datasources.logs]",
            "[datasources.lines]",
            &["datasource-uid-changed", "datasource-removed", "datasource-added"],
            &["datasource-uid-changed"],
        ),
        case(&boards, "title = \"Logs\"", "title = \"Lines\"", &["datasource-changed"], &[]),
        case(&boards, "{ main = \"Main\" }", "{ main = \"All\" }", &["folder-changed"], &[]),
        case(
            &boards,
            "[dashboards.main]\n",
            "[dashboards.x]\nfolder = \"main\"\ntitle = \"X\"\n[dashboards.x.panels.Up]\ntype = \"stat\"\nqueries = \"up\"\n[dashboards.main]\n",
            &["dashboard-added"],
            &["dashboard-removed"],
        ),
        case(&boards, "title = \"Main\"\n", "title = \"Main\"\nuid = \"other\"\n", &["dashboard-moved"], &[]),
        case(&boards, "title = \"Main\"\n", "title = \"Main\"\ntags = [\"a\"]\n", &["dashboard-changed"], &[]),
        case(
            &boards,
            "[dashboards.main.panels.Up]\n",
            "[dashboards.main.panels.X]\ntype = \"stat\"\nqueries = \"up\"\n[dashboards.main.panels.Up]\n",
            &["panel-added"],
            &["panel-removed"],
        ),
        case(&boards, "queries = \"up\"", "queries = \"1 - up\"", &["panel-changed"], &[]),
        (
            SHOP.to_owned(),
            vec![
                ("TITLE = \"Shop\"", "TITLE = \"${TITLE}\""),
                ("[env.TOKEN]", "[env.TITLE]\ndescription = \"T\"\n[env.TOKEN]"),
            ],
            &["variable-added", "environment-changed"],
            &["variable-removed"],
        ),
        case(SHOP, "secret = true", "required = true", &["variable-required", "secret-exposed"], &[]),
        case(SHOP, "secret = true", "secret = true\nfrom = \"op://a/b/c\"", &["secret-source"], &["variable-changed"]),
        case(
            SHOP,
            "\"Password of the database\"",
            "\"Password\"\ndefault = \"x\"",
            &["default-changed", "variable-changed"],
            &[],
        ),
        case(
            &own("[files.\"x.txt\"]\ntemplate = \"a.txt\"\nlanguage = \"raw\"\n"),
            "a.txt",
            "b.txt",
            &["file-changed"],
            &[],
        ),
        case(&own(infrastructure), infrastructure, "", &["infrastructure-removed"], &["resource-created"]),
        case(&own(infrastructure), "project = \"p\"", "project = \"q\"", &["infrastructure-renamed"], &[]),
        case(&own(infrastructure), "eu-west-1", "eu-north-1", &["region-changed"], &[]),
        case(
            &own(infrastructure),
            "region = \"eu-west-1\"",
            "region = \"eu-west-1\"\naws_version = \">= 7.0.0\"",
            &["terraform-version"],
            &["terraform-version"],
        ),
        case(&own(infrastructure), "\"One\"", "\"Two\"", &["resource-changed"], &[]),
        case(REFERENCE, "chunk_tokens = 512", "chunk_tokens = 256", &["resource-replaced"], &[]),
        case(
            SHOP,
            "[env.TOKEN]",
            "[accepted]\nCKV_AWS_1 = \"Why\"\n[env.TOKEN]",
            &["finding-accepted"],
            &["acceptance-removed"],
        ),
        case(
            SHOP,
            "[env.TOKEN]",
            "[accepted]\nprivileged.web = \"Why\"\n[env.TOKEN]",
            &["change-accepted"],
            &["acceptance-removed"],
        ),
        case(
            SHOP,
            "[volumes.data]",
            "[services.xx]\nimage = \"x:1\"\n[volumes.data]",
            &["service-added"],
            &["service-removed"],
        ),
        case(OWN, image, "image = \"own:1\"\nshm_size = \"64m\"\n", &["service-changed"], &[]),
        case(OWN, image, "image = \"own:1\"\ncommand = [\"x\"]\n", &["command-changed"], &[]),
        case(OWN, image, "image = \"own:1\"\nvolumes = [\"./x:/x\"]\n", &["mount-added"], &["mount-removed"]),
        case(&with_privilege("volumes = [\"./x:/x\"]"), "./x:/x", "./y:/x", &["mount-changed"], &[]),
        case(SHOP, "user = \"1000\"", "user = \"1001\"", &["user-changed"], &[]),
        case(SHOP, "cap_drop = [\"ALL\"]\n", "", &["default-capabilities"], &["privilege-removed"]),
        case(OWN, "read_only = true\n", "", &["writable-root"], &[]),
        case(OWN, "[\"ALL\"]", "[\"all\"]", &["privileges-rewritten"], &[]),
        case(SHOP, ", TITLE = \"Shop\"", "", &["environment-removed"], &["environment-added"]),
        (
            OWN.to_owned(),
            vec![
                (image, "image = \"own:1\"\nenvironment = [\"NAME\"]\n"),
                ("[\"default\"]\n", "[\"default\"]\n[env.NAME]\ndescription = \"N\"\n"),
            ],
            &["environment-inherited"],
            &[],
        ),
        (
            SHOP.to_owned(),
            vec![
                ("TOKEN = \"${TOKEN}\"", "TOKEN = \"hunter2\""),
                ("[env.TOKEN]\ndescription = \"Token of the payment provider\"\nsecret = true\n", ""),
            ],
            &["secret-written"],
            &[],
        ),
        case(OWN, image, "image = \"own:1\"\ndeploy.replicas = 1\n", &["resources-changed"], &[]),
        case(OWN, image, "image = \"own:1\"\nenvironment.TOKEN = \"hunter2\"\n", &["literal-secret"], &[]),
        case(SHOP, "user = \"1000\"", "user = \"1000\"\ncommand = [\"a\", \"${TOKEN}\"]", &["secret-in-command"], &[]),
        case(REFERENCE, "retention = \"72h\"", "retention = \"48h\"", &["setting-lowered"], &["setting-raised"]),
        case(REFERENCE, "retention = \"72h\"", "retention = \"4320m\"", &["setting-changed"], &[]),
        case(SHOP, "depends_on.db = \"service_healthy\"\n", "", &["dependency-changed"], &[]),
        case(
            SHOP,
            "healthcheck = { http = \"/\", interval = \"5s\", retries = 3 }\n",
            "",
            &["healthcheck-removed"],
            &["healthcheck-added"],
        ),
        case(SHOP, "retries = 3 }\nuser", "retries = 9 }\nuser", &["healthcheck-changed"], &[]),
        case(
            REFERENCE,
            "\nhost_targets.copilot-test-worker = 9091",
            "",
            &["scrape-target-removed"],
            &["scrape-target-added"],
        ),
        case(REFERENCE, "copilot-test-worker = 9091", "copilot-test-worker = 9092", &["scrape-target-changed"], &[]),
        case(SHOP, "published = 8080, target = 80 }", "target = 80 }", &["port-unpublished"], &["port-published"]),
        case(SHOP, "published = 8080", "published = 8081", &["port-changed"], &[]),
        case(OWN, image, "image = \"own:1\"\nports.http = { target = 80 }\n", &["port-added"], &["port-removed"]),
    ];
    for (address, id) in [
        ("published = 8080, host_ip = \"0.0.0.0\"", &["port-published-everywhere"][..]),
        ("published = 8080, host_ip = \"10.0.0.1\"", &["port-published-on-address"]),
        ("published = 8080, host_ip = \"${TOKEN}\"", &["port-published-by-variable"]),
        ("published = 8080, host_ip = \"${TOKEN:+127.0.0.1}\"", &["port-published-everywhere"]),
    ] {
        cases.push(case(SHOP, "published = 8080", address, id, &[]));
    }
    cases
}

#[test]
fn what_another_version_rendered_is_not_a_change_of_the_spec() {
    let repository = Repository::of(Project::new(SHOP));
    let project = &repository.project;
    crate::project::clean(&project.run(&["render"]));
    repository.commit("Begin");
    assert_eq!(repository.changes(&[]), (Some(0), Vec::new()));
    // As if an earlier version had rendered another text.
    let (path, manifest) = ("generated/dev/README.md", "generated/dev/manifest.sha256");
    let line = project.read(manifest).lines().find(|line| line.ends_with(path)).unwrap().to_owned();
    project.replace(manifest, &line, &format!("{}  {path}", "0".repeat(64)));
    repository.commit("Earlier");
    let (code, found) = repository.changes(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        found,
        [format!(
            "notice outputs gen: 1 output is not committed at the base as this version of `gen` renders the spec there; that is \
             not a change of the spec: `{path}`"
        )]
    );
}

/// An id that nothing produces would be documented for nothing.
#[test]
fn each_id_has_a_case() {
    let ids = |before: &str, after: &str| -> Result<BTreeSet<&'static str>, String> {
        Ok(try_compared(before, after)?.into_iter().map(|change| change.id.as_str()).collect())
    };
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (before, edits, there, back) in cases() {
        let after = edits.iter().fold(before.clone(), |text, (from, to)| {
            assert!(text.contains(from), "`{from}`");
            text.replace(from, to)
        });
        for (expected, found) in [(there, ids(&before, &after)), (back, ids(&after, &before))] {
            let is_right = |found: &BTreeSet<&str>| {
                expected.iter().all(|id| found.contains(id)) && !found.contains("unexplained-output")
            };
            if !found.as_ref().is_ok_and(is_right) {
                wrong.push(format!("{edits:?}: {found:?}, not {expected:?}"));
            }
            seen.extend(expected);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    seen.extend(PRIVILEGES.iter().filter_map(|(_, expected)| expected.split(' ').nth(1)));
    // It is for what was forgotten; its own test is where it is made.
    seen.insert("unexplained-output");
    // This is about another version: see `what_another_version_rendered_is_not_a_change_of_the_spec`.
    seen.insert("rendered-differently");
    // These are about files: see `untrusted.rs`.
    seen.extend(["linked-path", "extends-file-changed", "committed-file"]);
    let missing: Vec<&str> = Id::ALL.iter().map(|id| id.as_str()).filter(|id| !seen.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A service that is the same may still get something else by a name.
#[test]
fn what_a_shared_name_gives_is_reported_for_each_service() {
    let before = with_privilege("volumes = [\"d:/h\"]\nsecrets = [\"s\"]@[volumes.d]\n[secrets.s]\nfile = \"./token\"");
    let after = before
        .replace("[volumes.d]", "[volumes.d]\ndriver_opts = { type = \"none\", o = \"bind\", device = \"/\" }")
        .replace("./token", "~/.ssh/id_rsa");
    let found: Vec<String> = compared(&before, &after)
        .into_iter()
        .filter(|change| change.area == Area::Privileges)
        .map(|change| format!("{}: {}", change.subject, change.what))
        .collect();
    assert_eq!(
        found,
        [
            "own: gains write access to the host's entire file system, through the volume `d`",
            "own: gains credentials of the host: `~/.ssh/id_rsa`, through the secret `s`",
        ]
    );
}

/// A protection that a variable turns off is none.
#[test]
fn capabilities_that_only_a_variable_drops_are_kept() {
    let after = OWN.replace("[\"ALL\"]", "[\"${P:+ALL}\"]") + "[env.P]\ndescription = \"P\"\n";
    let changes = compared(OWN, &after);
    let gained = |change: &Change| change.id.as_str() == "default-capabilities" && change.severity == Severity::Danger;
    assert!(changes.iter().any(gained), "{changes:?}");
}

/// What is accepted by name covers nothing else of the same kind.
#[test]
fn another_command_or_folder_is_another_danger() {
    for (lines, from, to) in [
        ("post_start = [{ command = \"x\", privileged = true }]", "\"x\"", "\"y\""),
        (
            "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"overlay\", o = \"lowerdir=/srv,upperdir=/u,workdir=/w\", device = \"overlay\" }",
            "lowerdir=/srv",
            "lowerdir=/",
        ),
        ("network_mode = \"container:x\"", "container:x", "container:y"),
        ("provider = { type = \"x\", options = { a = \"b\" } }", "a = \"b\"", "a = \"c\""),
    ] {
        let before = with_privilege(lines);
        let name = |changes: &[Change]| {
            let danger = |change: &&Change| change.severity == Severity::Danger && change.area == Area::Privileges;
            changes.iter().find(danger).map(Change::name)
        };
        let first = name(&compared(OWN, &before)).unwrap();
        let (id, subject) = first.split_once('.').unwrap();
        let accepted = format!("[accepted]\n{id}.{} = \"Known\"\n", serde_json::json!(subject));
        let before = format!("{before}{accepted}");
        let changes = compared(&before, &before.replacen(from, to, 1));
        let second = changes.iter().find(|change| change.id.as_str() == id && change.severity == Severity::Danger);
        assert!(second.is_some_and(|change| change.accepted.is_none()), "{lines}: {first} in {changes:?}");
    }
}

/// Hundreds of dangers of one kind hide no other, however little room there is.
#[test]
fn the_first_of_each_id_is_shown_before_the_second_of_any() {
    let mut branch = OWN.replace("read_only = true\n", "read_only = true\nprivileged = true\n");
    branch = branch.replace("image = \"own:1\"", "image = \"own:1\"\nvolumes = [\"/:/h\"]");
    for index in 2000..3500 {
        let name = format!("s{index}-{}", "x".repeat(40));
        let port = format!("published = {index}, target = 80, host_ip = \"0.0.0.0\"");
        let _ = write!(branch, "[services.{name}]\nimage = \"own:1\"\nports.p{index} = {{ {port} }}\n");
    }
    let repository = Repository::new(OWN);
    repository.project.write("spec/stack.toml", branch);
    let markdown = repository.review(&["--format", "markdown"]).stdout;
    let text = repository.review(&[]).stdout;
    assert!(markdown.len() < 65_000, "{}", markdown.len());
    for (shown, port) in [(&markdown, "| `port-published-everywhere` |"), (&text, "danger[port-published-everywhere]")]
    {
        assert!(shown.contains("privileged") && shown.contains("host-root"), "{shown}");
        let left = shown.lines().find(|line| line.starts_with("… ") && line.contains(" dangers more: see ")).unwrap();
        let left: usize = left.split(' ').nth(1).unwrap().parse().unwrap();
        let listed = shown.matches(port).count();
        assert_eq!(left + listed, 1500, "{left} {listed}");
    }
}

/// A review goes into a comment: no secret of the spec does.
#[test]
fn secrets_are_not_shown() {
    let lines = r#"
environment = { DB_PASSWORD = "hunter2", DB_TOKEN = "${NONE:-hunter2}", DATABASE = "postgres://me:hunter2@db/x", TITLE = "Shop" }
command = ["serve", "--db-password=hunter2", "--url", "http://me:hunter2@example.org"]
labels = { "api.token" = "hunter2" }
build = { context = ".", args = { TOKEN = "hunter2" } }
healthcheck.test = ["CMD-SHELL", "PGPASSWORD=x DB_PASSWORD='hunter2' probe"]
x-secret-key = "hunter2"
logging = { driver = "own", options = { token = "hunter2", nested = "TOKEN=hunter2" } }"#;
    let added = OWN.replace("image = \"own:1\"\n", &format!("image = \"own:1\"{lines}\n"));
    let added =
        format!("{added}[env.NONE]\ndescription = \"N\"\n[env.API_KEY]\ndescription = \"K\"\ndefault = \"hunter2\"\n")
            .replace("TITLE = \"Shop\"", "TITLE = \"Shop\", KEY = \"${API_KEY}\"");
    let changed = added.replace("hunter2", "hunter3");
    for (before, after) in [(OWN, added.as_str()), (&added, OWN), (&added, &changed)] {
        let shown = serde_json::to_string_pretty(&compared(before, after)).unwrap();
        assert!(shown.contains("***") && !shown.contains("hunter"), "{shown}");
        assert!(after != added || shown.contains("Shop"), "{shown}");
    }
    let cautions: Vec<String> = compared(OWN, &added)
        .into_iter()
        .filter(|change| change.id == Id::LiteralSecret)
        .map(|change| change.name())
        .collect();
    assert_eq!(
        cautions,
        ["DB_PASSWORD", "DB_TOKEN", "DATABASE", "KEY"].map(|name| format!("literal-secret.own:{name}"))
    );
}

/// A secret is hidden, but not that it changed.
#[test]
fn a_change_of_a_secret_is_a_change() {
    let spec = |secret: &str| {
        format!(
            "{OWN}volumes = [\"data:/data\"]\nlogging = {{ driver = \"own\", options.token = \"{secret}\" }}\n\
             deploy.labels.password = \"{secret}\"\n[volumes.data]\ndriver_opts.password = \"{secret}\"\n\
             [networks.default]\ndriver_opts.password = \"{secret}\"\n"
        )
    };
    let changes = compared(&spec("hunter2"), &spec("hunter3"));
    let shown = serde_json::to_string_pretty(&changes).unwrap();
    assert!(!shown.contains("hunter"), "{shown}");
    let found: Vec<(Id, &str)> = changes.iter().map(|change| (change.id, change.subject.as_str())).collect();
    for expected in [
        (Id::VolumeRecreated, "data"),
        (Id::NetworkChanged, "default"),
        (Id::ResourcesChanged, "own"),
        (Id::ServiceChanged, "own"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {shown}");
    }
}

/// The files of the user's own templates, and the settings that they print, are no area of the spec.
#[test]
fn what_templates_of_the_spec_make() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\n[profiles.dev]\n[images]\np = \"p:1\"\n\
         [services.p]\nkind = \"p\"\nsettings.x = \"1\"\nsettings.y = \"1\"\n\
         volumes = [{ file = \"a.conf\", target = \"/a\" }]\n\
         [files.\"a.conf\"]\ntemplate = \"spec/a.conf\"\nlanguage = \"raw\"\n",
    );
    let kind = "title = \"P\"\n[settings.x]\ntype = \"string\"\nabout = \"X\"\n[settings.y]\ntype = \"string\"\n\
                about = \"Y\"\n[service]\ncommand = [\"--y=${settings.y}\"]\n\
                [files.\"config/${self}.yaml\"]\ntemplate = \"p.yaml\"\ntarget = \"/p.yaml\"\n";
    project.write("spec/kinds/p/kind.toml", kind);
    project.write("spec/kinds/p/p.yaml", "x: {= service.settings.x =}\n");
    project.write("spec/a.conf", "a\n");
    let repository = Repository::of(project);
    repository.commit("Begin");
    let recreated = "notice services p: recreated: configuration file";
    let of_kind = "notice files config/p.yaml: the file that `spec/kinds/p/p.yaml` makes changed";
    for (path, from, to, expected) in [
        ("stack.toml", "x = \"1\"", "x = \"2\"", &[recreated, "notice services p: `x` changed [1 -> 2]", of_kind][..]),
        ("kinds/p/p.yaml", "x:", "z:", &[recreated, of_kind]),
        ("a.conf", "a", "b", &[recreated, "notice files a.conf: the file that `spec/a.conf` makes changed"]),
        (
            "stack.toml",
            "y = \"1\"",
            "y = \"2\"",
            &["notice services p: `command` changed [--y=1 -> --y=2]", "notice services p: recreated: command"],
        ),
    ] {
        let path = format!("spec/{path}");
        repository.project.replace(&path, from, to);
        assert_eq!(repository.changes(&[]).1, expected, "{path}");
        repository.project.replace(&path, to, from);
    }
    repository.project.replace("spec/a.conf", "a", "b");
    let run = repository.review(&[]);
    assert!(run.stdout.contains("\n2 notices; outputs: 2 changed"), "{run:?}");
}
