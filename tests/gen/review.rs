//! `gen review` in a repository: what each change of the spec means, and how git is asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

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
    fn changes(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
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
fn case(spec: &str, edits: &[(&str, &str)], expected: &[&str]) {
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
            ("history_shards = 4\npool = 50", "history_shards = 8\npool = 40"),
            ("guard_window = \"45s\"", "guard_window = \"50s\""),
        ],
        &[
            "danger clusters monitored: `history_shards` cannot be changed: existing workflows belong to shards and would no longer be found [4 -> 8]",
            "notice clusters monitored: `pool` changed [50 -> 40]",
            "notice clusters monitored: `reservoir.guard_window` changed [45s -> 50s]",
            "notice services temporal-history: recreated: environment",
            "notice services temporal-frontend: recreated: environment",
            "notice services temporal-matching: recreated: environment",
            "notice services temporal-worker: recreated: environment",
        ],
    );
    case(
        REFERENCE,
        &[("pool = 50", "pool = 50\nvisibility_index = \"temporal_visibility_v1_new\"")],
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
             [- -> driver_opts {\"type\": \"tmpfs\"}]"],
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
            "danger privileges web: gains the Docker socket: whoever controls the container controls the host",
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
            "danger privileges spy: gains the Docker socket: whoever controls the container controls the host",
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
            "notice accepted CKV_AWS_18: this finding is no longer accepted [The buckets live as long as a dev…",
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
        &[("default = \"postgres\"", "required = true"), ("default = \"0\"", "default = \"999\"")],
        &[
            "caution privileges copilot-worker: gains membership in the group `${DOCKER_GROUP_ID:-999}`",
            "caution variables COPILOT_DSQL_DATABASE: now required: the stack does not start until `.env` sets it \
             [postgres -> -]",
            "notice variables DOCKER_GROUP_ID: default changed: it applies unless `.env` sets the variable [0 -> 999]",
            "notice services copilot-api: recreated: declaration of `COPILOT_DSQL_DATABASE`",
            "notice schema schema-copilot-app: runs again: declaration of `COPILOT_DSQL_DATABASE`",
            "notice privileges copilot-worker: loses membership in the group `${DOCKER_GROUP_ID:-0}`",
            "notice schema schema-copilot: runs again: declaration of `COPILOT_DSQL_DATABASE`",
            "notice services copilot-temporal: recreated: declaration of `COPILOT_DSQL_DATABASE`",
            "notice services copilot-worker: recreated: group_add, declaration of `COPILOT_DSQL_DATABASE`",
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
    assert_eq!(report["counts"], serde_json::json!({ "danger": 0, "caution": 0, "notice": 0 }));
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
    assert!(run.stdout.contains("notice[images] nginx (dev, staging): updated"), "{}", run.stdout);
    let run = repository.review(&["--profile", "dev"]);
    assert!(run.stdout.contains("notice[images] nginx: updated"), "{}", run.stdout);
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
    assert!(run.stdout.contains("notice[services] web: added"), "{run:?}");
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
    assert!(run.stderr.contains("`git rev-parse` failed") && run.stderr.contains("not a git repository"), "{run:?}");
    git(none.root(), &["init", "--quiet"]);
    let run = review(&none);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("the repository has no commits yet"), "{run:?}");

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
        ("deploy.replicas = 1\n", &["notice limits web: `replicas` added [- -> 1]"]),
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
build = "../web"
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
            "caution privileges web: gains write access to a host path: `../x`",
            "notice mounts web: `/x` mounted [- -> ../x]",
            "notice services web: recreated: mounts",
        ],
    ),
    (
        &[],
        ("\"data:/data\"", "\"data:/data\", \"./x:/x\""),
        &["notice mounts web: `/x` mounted [- -> ./x]", "notice services web: recreated: mounts"],
    ),
    (
        &[],
        ("\"data:/data\"", "\"data:/data\", \"../x:/x:ro\""),
        &["notice mounts web: `/x` mounted [- -> ../x (read-only)]", "notice services web: recreated: mounts"],
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
    (&[], ("../web", "../site"), &["notice services web: build changed: run `gen dev build` [../web -> ../site]"]),
    (
        &[],
        ("${MODE:+on}", "${MODE:+off}"),
        &[
            "notice environment web: `MODE` changed [${MODE:+on} -> ${MODE:+off}]",
            "notice services web: recreated: environment",
        ],
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
                 [{\"path\": \"/dev/a\", \"rate\": 1}, {\"path\": \"/dev/b\", \"rate\": 2}]]",
            "notice services web: recreated: blkio_config",
        ],
    ),
    (
        &[],
        ("build = ", "cap_drop = [\"ALL\"]\nsecurity_opt = [\"no-new-privileges=true\", \"label=disable\"]\nbuild = "),
        &[
            "danger privileges web: gains the security option `label=disable`",
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
         dns = \"10.0.0.3\"\ndepends_on = [\"db\", \"web\"]\n"
    );
    for (from, to) in [
        ("image = \"own:1\"", "image = \"own:1\"\nx-note = 3\ninit = false"),
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
            "danger volumes data: cannot be changed: Compose must delete it, including its data, and create it again [- -> driver_opts {\"type\": \"nfs\"}]",
        ],
    );
}

#[test]
fn dangers_of_further_keys() {
    let spec = format!("{SHOP}[services.own]\nimage = \"own:1\"\n");
    for (lines, danger) in [
        ("use_api_socket = true", "the engine's API socket: whoever controls the container controls the host"),
        ("gpus = \"all\"", "access to GPUs of the host: `all`"),
        (
            "post_start = [{ command = \"x\", privileged = true }]",
            "a command with full access to the host: `post_start`",
        ),
        ("pre_stop = [{ command = \"x\", user = \"root\" }]", "a command that runs as root: `pre_stop`"),
        ("build = { context = \".\", privileged = true }", "a build with full access to the host: `build.privileged`"),
        ("provider.type = \"awesomecloud\"", "a program that Compose runs on the host: `awesomecloud`"),
        ("extends = { file = \"other.yml\", service = \"x\" }", "whatever another file gives it: `other.yml`"),
        ("volumes_from = [\"container:x:ro\"]", "the volumes of a container outside of the stack: `x`"),
        ("userns_mode = \"host\"", "the host's user namespace"),
    ] {
        let repository = Repository::new(&spec);
        repository.project.replace("spec/stack.toml", "image = \"own:1\"\n", &format!("image = \"own:1\"\n{lines}\n"));
        let (_, changes) = repository.changes(&[]);
        let expected = format!("danger privileges own: gains {danger}");
        assert!(changes.contains(&expected), "{lines}: {changes:?}");
    }
}
