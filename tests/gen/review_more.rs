//! `gen review`: changes that the other cases do not make, one by one.

use std::fmt::Write as _;

use super::project::REFERENCE;
use super::review::{Repository, SHOP, case};

/// Edits before the review, edits for it, and what it says.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c [(&'c str, &'c str)], &'c [&'c str]);

fn cases(spec: &str, cases: &[Case<'_>]) {
    for (before, edits, expected) in cases {
        let mut spec = spec.to_owned();
        for (from, to) in *before {
            assert!(spec.contains(from), "`{from}`");
            spec = spec.replace(from, to);
        }
        case(&spec, edits, expected);
    }
}

const KNOWLEDGE_BASE: &str = "[infrastructure.knowledge_base]\n\
    description = \"Runbooks and documentation for the SRE copilot\"\n\
    embedding_model = \"amazon.titan-embed-text-v2:0\"\n\
    dimensions = 1024\n\
    distance = \"cosine\"\n\
    chunk_tokens = 512\n\
    chunk_overlap = 20\n";

const TOKENS: (&str, &str) = ("pool = 10 }", "pool = 10, token_duration = \"2m\" }");

#[test]
fn of_the_reference() {
    cases(
        REFERENCE,
        &[
            (
                &[],
                &[("would outlive them\"", "would outlive it\"")],
                &["notice accepted CKV_AWS_18: accepted for a different reason [The buckets live as long as a …"],
            ),
            // A variable that a cluster's setting adds or removes is reported with the cluster, and no other is.
            (
                &[],
                &[TOKENS],
                &[
                    "notice clusters copilot: `dsql.token_duration` changed [- -> 2m]",
                    "notice services copilot-temporal: recreated: environment",
                ],
            ),
            (
                &[TOKENS],
                &[(TOKENS.1, TOKENS.0)],
                &[
                    "notice clusters copilot: `dsql.token_duration` changed [2m -> -]",
                    "notice services copilot-temporal: recreated: environment",
                ],
            ),
            (
                &[("ports.grpc = 7243\n", "ports.grpc = 7243\nenvironment.GOMAXPROCS = \"2\"\n")],
                &[("GOMAXPROCS = \"2\"", "GOMAXPROCS = \"4\"")],
                &[
                    "notice environment copilot-temporal: `GOMAXPROCS` changed [2 -> 4]",
                    "notice services copilot-temporal: recreated: environment",
                ],
            ),
            (
                &[],
                &[("default = \"../temporal-sre-copilot\"", "default = \"../copilot\"")],
                &[
                    "notice images copilot: build changed: run `gen dev build` \
                     [temporal-sre-copilot:dev: ${COPILOT_PATH:-../temporal-sre-copilot} -> \
                     temporal-sre-copilot:dev: ${COPILOT_PATH:-../copilot}]",
                    "notice variables COPILOT_PATH: default changed: it applies unless `.env` sets the variable \
                     [../temporal-sre-copilot -> ../copilot]",
                ],
            ),
            (
                &[],
                &[("description = \"Runbooks and documentation for the SRE copilot\"", "description = \"Runbooks\"")],
                &["notice infrastructure aws_bedrockagent_knowledge_base.this: would be changed: `description` \
                   [Runbooks and documentation for the SRE copilot -> Runbooks]"],
            ),
            // What refers to something that is destroyed needs no command that fills it in again.
            (
                &[],
                &[(KNOWLEDGE_BASE, ""), ("output = \"knowledge_base_id\"\n", "")],
                &[
                    "danger infrastructure aws_s3_bucket.knowledge_source: would be destroyed; all its objects are lost",
                    "caution infrastructure aws_s3vectors_vector_bucket.knowledge: would be destroyed; its vectors are \
                     lost: sync the data source afterwards",
                    "caution infrastructure aws_s3vectors_index.knowledge: would be destroyed; its vectors are lost: \
                     sync the data source afterwards",
                    "caution infrastructure aws_bedrockagent_knowledge_base.this: would be destroyed",
                    "caution infrastructure aws_bedrockagent_data_source.this: would be destroyed",
                    "notice infrastructure aws_iam_role.knowledge: would be destroyed",
                    "notice infrastructure knowledge_base_id: output removed [Id of the knowledge base -> -]",
                    "notice infrastructure data_source_id: output removed [Id of the knowledge base's data source -> -]",
                    "notice infrastructure knowledge_source_bucket: output removed [Bucket that the knowledge base …",
                    "notice variables COPILOT_KNOWLEDGE_BASE_ID: filled by a different Terraform output \
                     [knowledge_base_id -> -]",
                ],
            ),
            (
                &[],
                &[("default = \"postgres\"\n", "")],
                &[
                    "notice variables COPILOT_DSQL_DATABASE: default removed [postgres -> -]",
                    "notice schema schema-copilot: runs again: declaration of `COPILOT_DSQL_DATABASE`",
                    "notice schema schema-copilot-app: runs again: declaration of `COPILOT_DSQL_DATABASE`",
                    "notice services copilot-temporal: recreated: declaration of `COPILOT_DSQL_DATABASE`",
                ],
            ),
            (
                &[],
                &[(
                    "environment.COPILOT_DSQL_ENDPOINT = \"${COPILOT_DSQL_HOST}\"\n",
                    "environment.COPILOT_DSQL_ENDPOINT = \"${COPILOT_DSQL_HOST}\"\nenvironment.LOKI_URL = \"${MORE}\"\n\
                     [env.MORE]\ndescription = \"More\"\noutput = \"region\"\nsecret = true\n",
                )],
                &[
                    "notice variables MORE: secret added; filled by Terraform's output `region` [- -> eu-west-1]",
                    "notice environment schema-copilot-app: `LOKI_URL` added [- -> ${MORE:-eu-west-1}]",
                    "notice schema schema-copilot-app: runs again: environment",
                ],
            ),
        ],
    );
}

/// A step that a service of the stack runs has no service of its own that could be reported.
#[test]
fn steps_of_services() {
    let servers = ["copilot-temporal", "temporal-frontend", "temporal-history", "temporal-matching", "temporal-worker"];
    for (before, after, steps) in [
        (
            "elasticsearch-setup",
            "indices",
            &[
                "notice schema elasticsearch: no longer a step [Creates the visibility schema and indices, then…",
                "notice schema indices: now a step [- -> Creates the visibility schema and indices, then ends]",
            ][..],
        ),
        (
            "indices-setup",
            "indices",
            &["notice schema indices: a different service runs the step [indices-setup -> indices]"],
        ),
    ] {
        let mut expected = vec![
            format!("notice services {after}: added [- -> temporalio/admin-tools:1.31.2]"),
            format!("notice services {before}: removed; `docker compose up` keeps its container …"),
        ];
        for server in servers {
            expected.push(format!(
                "notice dependencies {server}: waits for `{after}` [- -> service_completed_successfully]"
            ));
            expected.push(format!("notice dependencies {server}: no longer waits for `{before}` […"));
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).chain(steps.iter().copied()).collect();
        let [from, to] = [before, after].map(|name| format!("[services.{name}]"));
        case(&REFERENCE.replace("[services.elasticsearch-setup]", &from), &[(&from, &to)], &expected);
    }
}

const WITH_METRICS: (&str, &str) =
    ("user = \"1000\"", "user = \"1000\"\nlabels.team = \"a\"\nmetrics = { port = \"http\" }");
const WITH_WORD: (&str, &str) =
    ("TITLE = \"Shop\" }", "TITLE = \"${TITLE:-a}\" }\n[env.TITLE]\ndescription = \"Title\"");

#[test]
fn of_a_shop() {
    cases(
        SHOP,
        &[
            (
                &[WITH_METRICS],
                &[
                    ("labels.team = \"a\"", "labels.team = \"b\""),
                    ("port = \"http\" }", "port = \"http\", path = \"/m\" }"),
                ],
                &[
                    "notice services web: `labels` changed [team=a -> team=b]",
                    "notice services web: `metrics` changed [80/metrics -> 80/m]",
                    "notice services web: recreated: labels",
                ],
            ),
            // A default of the reference itself is no declaration of the variable.
            (
                &[WITH_WORD],
                &[("${TITLE:-a}", "${TITLE:-b}")],
                &[
                    "notice environment web: `TITLE` changed [${TITLE:-a} -> ${TITLE:-b}]",
                    "notice services web: recreated: environment",
                ],
            ),
            // The socket is one under each name, inside and outside.
            (
                &[],
                &[("user = \"1000\"", "user = \"1000\"\nvolumes = [\"/var/run/docker.sock:/run/engine.sock\"]")],
                &[
                    "danger privileges web: gains the engine's socket: whoever controls the container controls the host",
                    "notice mounts web: `/run/engine.sock` mounted [- -> /var/run/docker.sock]",
                    "notice services web: recreated: mounts",
                ],
            ),
            (
                &[],
                &[("user = \"1000\"", "user = \"1000\"\nvolumes = [\"/run/podman.sock:/var/run/docker.sock\"]")],
                &[
                    "danger privileges web: gains the engine's socket: whoever controls the container controls the host (`/run/podman.sock`)",
                    "notice mounts web: `/var/run/docker.sock` mounted [- -> /run/podman.sock]",
                    "notice services web: recreated: mounts",
                ],
            ),
            // The name of an external volume does not depend on the project.
            (
                &[("[volumes.data]", "[volumes.data]\nexternal = true")],
                &[("name = \"shop\"", "name = \"store\"")],
                &[
                    "caution stack store-dev: Compose project changed: new containers are created, and the old ones keep \
                     running [shop-dev -> store-dev]",
                    "notice stack store-dev: title changed [shop -> store]",
                ],
            ),
            (
                &[("[volumes.data]", "[volumes.data]\nname = \"own\"")],
                &[("name = \"shop\"", "name = \"store\""), ("name = \"own\"\n", "")],
                &[
                    "danger volumes data: now a different volume in the engine: the data in the old one is not moved \
                     [own -> store-dev_data]",
                    "caution stack store-dev: Compose project changed: new containers are created, and the old ones keep \
                     running [shop-dev -> store-dev]",
                    "notice stack store-dev: title changed [shop -> store]",
                ],
            ),
        ],
    );
}

#[test]
fn of_a_dashboard() {
    let spec = format!(
        "{}\n[dashboards.main]\nfolder = \"main\"\ntitle = \"Main\"\n[dashboards.main.panels.Up]\ntype = \"stat\"\n\
         queries = \"up\"\n",
        include_str!("../dashboards/stack.toml")
    );
    cases(
        &spec,
        &[
            (
                &[],
                &[("title = \"Main\"\n", "title = \"Main\"\ngrafana.preload = true\n")],
                &["notice dashboards Main: `grafana` changed"],
            ),
            (
                &[],
                &[(
                    "[datasources.api]",
                    "[datasources.more]\ntype = \"json\"\ntitle = \"More\"\nservice = \"web\"\n\n[datasources.api]",
                )],
                &[
                    "notice datasources More: added [- -> http://web:80]",
                    "notice services grafana: recreated: configuration file",
                ],
            ),
        ],
    );
}

/// The settings of another kind are not added to those that were there.
#[test]
fn another_kind() {
    let [loki, mimir] = ["kind = \"loki\"\nsettings.retention = \"72h\"", "kind = \"mimir\""];
    case(
        &format!("[stack]\nname = \"shop\"\n[profiles.dev]\n[services.store]\nimage = \"store:1\"\n{loki}\n"),
        &[(loki, mimir)],
        &[
            "caution mounts store: `/loki` is no longer a volume: what is written there is lost with the container \
             [store-data -> -]",
            "caution healthchecks store: healthcheck removed [CMD /usr/bin/loki -health -> -]",
            "notice services store: `kind` changed [loki -> mimir]",
            "notice services store: `description` changed [Logs -> Metrics]",
            "notice services store: `command` changed [-config.file=/etc/loki/loki.yaml -> …",
            "notice services store: `mem_limit` changed [1g -> 2g]",
            "notice services store: recreated: command, mem_limit, mounts, healthcheck, configuration file",
            "notice ports store.http: container port changed [3100 -> 9009]",
            "notice mounts store: `/data` mounted [- -> store-data]",
            "notice mounts store: `/etc/mimir/mimir.yaml` mounted [- -> ./config/store.yaml (read-only)]",
            "notice mounts store: `/etc/loki/loki.yaml` no longer mounted [./config/store.yaml (read-only) -> -]",
        ],
    );
}

/// A list of names is cut where it would have more than a dozen.
#[test]
fn many_names() {
    for (number, users) in [
        (12, "`s00`, `s01`, `s02`, `s03`, `s04`, `s05`, `s06`, `s07`, `s08`, `s09`, `s10` and `s11`"),
        (13, "`s00`, `s01`, `s02`, `s03`, `s04`, `s05`, `s06`, `s07`, `s08`, `s09`, `s10` and 2 more"),
    ] {
        let mut spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[images]\nweb = \"web:1.1\"\n".to_owned();
        let mut expected = vec![format!("notice images web: updated; runs in {users} [1.1 -> 1.2]")];
        for index in 0..number {
            let _ = writeln!(spec, "[services.s{index:02}]\nimage = \"web\"");
            expected.push(format!("notice services s{index:02}: recreated: image"));
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        case(&spec, &[("web:1.1", "web:1.2")], &expected);
    }
}

/// One service, with keys before and after, and what a review says of them.
fn keys(before: &str, after: &str, expected: &[&str]) {
    let end = "[volumes.v]\n[secrets.s]\nfile = \"s\"\n";
    let head = "[stack]\nname = \"shop\"\n[profiles.dev]\n[lints]\nunused-volume = \"allow\"\nunused-secret = \"allow\"\n[services.a]\nimage = \"a:1\"\n";
    case(&format!("{head}{before}\n{end}"), &[(before, after)], expected);
}

#[test]
fn what_is_the_same_or_less_is_said_so() {
    let same = |before: &str, after: &str, area: &str, why: &str| {
        let what = format!("notice {area} is written differently, with the same meaning");
        let recreated = format!("notice services a: recreated: {why}");
        let expected = [what.as_str(), recreated.as_str()];
        keys(before, after, &expected[..if why.is_empty() { 1 } else { 2 }]);
    };
    let test = "healthcheck = { test = \"a\" }";
    same(test, "healthcheck = { test = \"a\", interval = \"30s\" }", "healthchecks a: `interval`", "healthcheck");
    same("pull_policy = \"daily\"", "pull_policy = \"every_24h\"", "services a: `pull_policy`", "");
    let privileges = "no-new-privileges";
    same(
        &format!("security_opt = [\"{privileges}:true\"]"),
        &format!("security_opt = [\"{privileges}\"]"),
        "privileges a: `security_opt`",
        "security_opt",
    );
    same("user = \"0\"", "user = \"root\"", "privileges a: `user`", "user");
    keys(
        "devices = [\"/dev/x:/dev/x:rw\"]",
        "devices = [\"/dev/x:/dev/x:r\"]",
        &["notice privileges a: can no longer write to the device `/dev/x`", "notice services a: recreated: devices"],
    );
    keys(
        "secrets = [{ source = \"s\", mode = 0o440 }]",
        "secrets = [{ source = \"s\", mode = \"0400\" }]",
        &[
            "notice secrets a: options of the secret `s` changed [mode 0o440 -> mode 0o400]",
            "notice services a: recreated: secrets",
        ],
    );
    keys(
        "volumes = [\"v:/x/data\"]",
        "volumes = [\"v:/x\"]",
        &[
            "caution mounts a: the volume at `/x/data` is mounted at `/x` instead: its files are there now, and are kept",
            "notice mounts a: `/x` mounted [- -> v]",
            "notice services a: recreated: mounts",
        ],
    );
    keys(
        "environment.API_TOKEN = \"abc123def456\"",
        "environment.API_TOKEN = \"abc123def457\"",
        &[
            "notice environment a: `API_TOKEN` changed (the value is hidden)",
            "notice services a: recreated: environment",
        ],
    );
}

#[test]
fn a_renamed_service_needs_the_port_of_its_old_container() {
    case(
        "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.api]\nimage = \"a:1\"\nports.http = 8080\n",
        &[("[services.api]", "[services.backend]")],
        &[
            "caution services api: removed, but its container still holds the port 8080 that `backend` publishes: run \
             `docker compose up --remove-orphans`, which stops it first [a:1 -> -]",
            "notice services backend: added [- -> a:1]",
            "notice ports backend.http: published [- -> 127.0.0.1:8080]",
        ],
    );
}

#[test]
fn of_long_values_the_words_that_differ_are_shown() {
    let command = |last: &str| {
        let words: Vec<String> = (1..30).map(|number| format!("--option-{number}=value")).collect();
        format!("serve {} --last={last} --end", words.join(" "))
    };
    let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.api]\nimage = \"a:1\"\n";
    let repository = Repository::new(&format!("{spec}command = \"{}\"\n", command("1")));
    repository.project.write("spec/stack.toml", format!("{spec}command = \"{}\"\n", command("2")));
    let run = repository.review(&[]);
    assert!(run.stdout.contains("- … --option-28=value --option-29=value --last=1 --end\n"), "{run:?}");
    assert!(run.stdout.contains("+ … --option-28=value --option-29=value --last=2 --end\n"), "{run:?}");
}

/// What a cluster and its PostgreSQL say is in the environment of the servers, in a file, and in the scripts of one-shots.
#[test]
fn of_a_cluster_in_postgresql() {
    let spec = include_str!("../specs/too-few-connections/stack.toml").replace("postgresql.pool = 20\n", "");
    let password = "settings.password = ";
    for (from, to) in [
        ("history_shards = 4", "history_shards = 8"),
        ("history_shards = 4", "history_shards = 4\npostgresql.pool = 5"),
        ("history_shards = 4", "history_shards = 4\npostgresql.database = \"orders\""),
        ("history_shards = 4", "history_shards = 4\nlog_level = \"warn\""),
        ("history_shards = 4", "history_shards = 4\nnamespaces.orders = {}"),
        (password, "settings.user = \"temporal\"\nsettings.password = "),
        (password, "settings.max_connections = 300\nsettings.password = "),
    ] {
        let repository = Repository::new(&spec);
        repository.project.write("spec/stack.toml", spec.replace(from, to));
        let (_, found) = repository.changes(&[]);
        assert!(!found.is_empty(), "{to}");
        assert!(!found.iter().any(|change| change.contains("no other area covers")), "{to}: {found:#?}");
    }
}

/// The first start of PostgreSQL creates them.
#[test]
fn what_a_volume_keeps_of_postgresql() {
    let spec = include_str!("../specs/too-few-connections/stack.toml").replace("postgresql.pool = 20\n", "");
    let password = "settings.password = \"${POSTGRES_PASSWORD}\"";
    let named = |name: &str| spec.replace("POSTGRES_PASSWORD", name);
    for (after, expected) in [
        (
            spec.replace(password, &format!("settings.user = \"bob\"\n{password}")),
            "caution services postgres: superuser changed: in a volume that exists, it is still the old one [postgres -> bob]",
        ),
        (
            spec.replace(password, &format!("settings.database = \"shop\"\n{password}")),
            "caution services postgres: first database changed: in a volume that exists, it is still the old one \
             [postgres -> shop]",
        ),
        (
            named("OTHER_PASSWORD"),
            "caution services postgres: variable of the superuser's password changed: in a volume that exists, the password \
             is still the old one",
        ),
    ] {
        let repository = Repository::new(&spec);
        repository.project.write("spec/stack.toml", after);
        let (_, found) = repository.changes(&[]);
        assert!(found.iter().any(|change| change.starts_with(expected)), "{expected}: {found:#?}");
        assert!(!found.iter().any(|change| change.contains("no other area covers")), "{found:#?}");
    }
}
