//! What a stack is in Kubernetes: the objects, read by a YAML parser.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_yaml::Value;

use super::artifacts::{files, plan};
use super::project::{Project, WHOLE_REFERENCE};

/// A small stack with a service `web` that has these keys.
fn small(web: &str) -> String {
    format!(
        "target = \"kubernetes\"\n[stack]\nname = \"shop\"\n[profiles.live]\n[kubernetes]\nregistry = \"registry.example.com/shop\"\n\
         [env.REGION]\ndescription = \"Region\"\ndefault = \"eu\"\n\
         [env.HOST]\ndescription = \"Host\"\nrequired = true\n\
         [env.TOKEN]\ndescription = \"Token\"\nrequired = true\nsecret = true\n\
         [secrets.token]\nenvironment = \"TOKEN\"\n[volumes.data]\n\
         [lints]\nunused-volume = \"allow\"\nunused-variable = \"allow\"\n\
         [services.db]\nimage = \"shop/db:1\"\nuser = \"999\"\nports.sql = {{ target = 5432 }}\n\
         environment = {{ REGION = \"${{REGION}}\", HOST = \"${{HOST}}\", TOKEN = \"${{TOKEN}}\" }}\n\
         [services.migrate]\nimage = \"shop/migrate:1\"\nuser = \"998\"\nenvironment.DB = \"${{db.sql}}\"\n\
         kubernetes.effect = [\"migrate\", \"--check\"]\ndepends_on = [\"db\"]\n\
         [services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\nports.http = {{ published = 80, target = 8080 }}\n\
         ports.grpc-with-a-long-name = {{ target = 9000 }}\nsecrets = [\"token\"]\n{web}"
    )
}

/// The objects of the base, by kind and name.
fn objects(files: &BTreeMap<String, String>) -> BTreeMap<(String, String), Value> {
    let mut objects = BTreeMap::new();
    for (path, text) in files {
        let Some((_, name)) = path.split_once("/kubernetes/base/") else { continue };
        if name.contains('/') || name == "kustomization.yaml" {
            continue;
        }
        for document in serde_yaml::Deserializer::from_str(text) {
            let object = Value::deserialize(document).unwrap_or_else(|error| panic!("{path}: {error}"));
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let key = (word(&object["kind"]), word(&object["metadata"]["name"]));
            assert!(objects.insert(key.clone(), object).is_none(), "{key:?} twice");
        }
    }
    objects
}

fn of(spec: &str) -> BTreeMap<(String, String), Value> {
    objects(&files(&plan(spec)))
}

fn at<'v>(mut value: &'v Value, path: &str) -> &'v Value {
    for part in path.split('.') {
        value = match part.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[part],
        };
    }
    value
}

/// The keys of a service, an object, a path in it, and what it has there.
const MAPS: &[(&str, &str, &str, &str)] = &[
    ("", "Deployment", "spec.template.spec.containers.0.image", "shop/web:1"),
    ("", "Deployment", "spec.selector.matchLabels", "{app.kubernetes.io/name: web}"),
    ("", "Deployment", "spec.template.spec.securityContext.runAsUser", "1000"),
    ("", "Deployment", "spec.template.spec.securityContext.runAsNonRoot", "true"),
    ("", "Deployment", "spec.template.spec.securityContext.seccompProfile", "{type: RuntimeDefault}"),
    ("", "Deployment", "spec.template.spec.automountServiceAccountToken", "false"),
    (
        "",
        "Deployment",
        "spec.template.spec.containers.0.securityContext",
        "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
    ),
    ("", "Service", "spec.selector", "{app.kubernetes.io/name: web}"),
    (
        "",
        "Service",
        "spec.ports",
        "[{name: http, port: 8080, targetPort: http}, {name: port-9000, port: 9000, targetPort: port-9000}]",
    ),
    // A secret is a file that only has its own variable.
    (
        "",
        "Deployment",
        "spec.template.spec.volumes.0.secret",
        "{secretName: stack-secrets, defaultMode: 288, items: [{key: TOKEN, path: TOKEN}]}",
    ),
    (
        "",
        "Deployment",
        "spec.template.spec.containers.0.volumeMounts.0",
        "{name: secrets, mountPath: /run/secrets/token, subPath: TOKEN, readOnly: true}",
    ),
    ("user = \"1:2\"", "Deployment", "spec.template.spec.securityContext.fsGroup", "2"),
    (
        "command = [\"serve\", \"--cost=$$5\", \"$$(id)\"]",
        "Deployment",
        "spec.template.spec.containers.0.args",
        "[serve, --cost=$5, $$(id)]",
    ),
    ("command = \"serve 'a b' c\"", "Deployment", "spec.template.spec.containers.0.args", "[serve, a b, c]"),
    ("entrypoint = [\"/bin/serve\"]", "Deployment", "spec.template.spec.containers.0.command", "[/bin/serve]"),
    ("working_dir = \"/srv\"", "Deployment", "spec.template.spec.containers.0.workingDir", "/srv"),
    ("tty = true", "Deployment", "spec.template.spec.containers.0.tty", "true"),
    ("stdin_open = true", "Deployment", "spec.template.spec.containers.0.stdin", "true"),
    (
        "read_only = true",
        "Deployment",
        "spec.template.spec.containers.0.securityContext.readOnlyRootFilesystem",
        "true",
    ),
    (
        "cap_add = [\"NET_BIND_SERVICE\"]",
        "Deployment",
        "spec.template.spec.containers.0.securityContext.capabilities.add",
        "[NET_BIND_SERVICE]",
    ),
    (
        "mem_limit = \"1g\"",
        "Deployment",
        "spec.template.spec.containers.0.resources",
        "{requests: {memory: 1Gi}, limits: {memory: 1Gi}}",
    ),
    (
        "mem_limit = \"1500m\"\nmem_reservation = \"64m\"\ncpus = 1.5\nkubernetes.cpus = 0.1",
        "Deployment",
        "spec.template.spec.containers.0.resources",
        "{requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 1500m, memory: 1500Mi}}",
    ),
    (
        "deploy.resources = { limits = { memory = \"1g\" }, reservations = { cpus = \"2\", memory = \"512m\" } }",
        "Deployment",
        "spec.template.spec.containers.0.resources",
        "{requests: {cpu: '2', memory: 512Mi}, limits: {memory: 1Gi}}",
    ),
    (
        "tmpfs = [\"/tmp\"]",
        "Deployment",
        "spec.template.spec.volumes.1",
        "{name: memory-tmp, emptyDir: {medium: Memory}}",
    ),
    (
        "shm_size = \"64m\"",
        "Deployment",
        "spec.template.spec.volumes.1",
        "{name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}",
    ),
    ("stop_grace_period = \"1m30s\"", "Deployment", "spec.template.spec.terminationGracePeriodSeconds", "90"),
    (
        "platform = \"linux/arm64\"",
        "Deployment",
        "spec.template.spec.nodeSelector",
        "{kubernetes.io/os: linux, kubernetes.io/arch: arm64}",
    ),
    ("pull_policy = \"always\"", "Deployment", "spec.template.spec.containers.0.imagePullPolicy", "Always"),
    ("labels.team = \"shop\"", "Deployment", "spec.template.metadata.annotations", "{team: shop}"),
    ("annotations.team = \"shop\"", "Deployment", "spec.template.metadata.annotations", "{team: shop}"),
    (
        "extra_hosts = { other = \"192.0.2.1\" }",
        "Deployment",
        "spec.template.spec.hostAliases",
        "[{ip: 192.0.2.1, hostnames: [other]}]",
    ),
    ("ports.http = { target = 8080 }\ndeploy.replicas = 3", "Deployment", "spec.replicas", "3"),
    (
        "ports.http = { target = 8080 }\ndeploy.replicas = 3",
        "PodDisruptionBudget",
        "spec",
        "{maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: web}}}",
    ),
    (
        "ports.http = { target = 8080 }\nscale = 3",
        "Deployment",
        "spec.template.spec.topologySpreadConstraints.0.topologyKey",
        "kubernetes.io/hostname",
    ),
    // A probe says who gets requests, and how long a start may take: 30 s and five failures in intervals of 10 s.
    (
        "healthcheck = { http = \"/ready\", interval = \"10s\", timeout = \"2s\", retries = 5, start_period = \"30s\" }",
        "Deployment",
        "spec.template.spec.containers.0.startupProbe",
        "{httpGet: {path: /ready, port: http}, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 8}",
    ),
    (
        "healthcheck = { http = \"/ready\", interval = \"10s\", timeout = \"2s\", retries = 5, start_period = \"30s\" }",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe",
        "{httpGet: {path: /ready, port: http}, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 3}",
    ),
    (
        "healthcheck.tcp = \"http\"",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe.tcpSocket",
        "{port: http}",
    ),
    (
        "healthcheck.test = [\"CMD\", \"probe\", \"-x\"]",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe.exec",
        "{command: [probe, -x]}",
    ),
    (
        "healthcheck.test = \"probe | grep x\"",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe.exec",
        "{command: [sh, -c, probe | grep x]}",
    ),
    ("healthcheck.tcp = \"http\"", "Deployment", "spec.template.spec.containers.0.livenessProbe", "null"),
    (
        "[services.once]\nimage = \"shop/once:1\"\nuser = \"1000\"\nrestart = \"no\"",
        "Job once",
        "spec.template.spec.restartPolicy",
        "Never",
    ),
    (
        "[services.once]\nimage = \"shop/once:1\"\nuser = \"1000\"\nrestart = \"no\"",
        "Job once",
        "spec.backoffLimit",
        "0",
    ),
    (
        "[services.once]\nimage = \"shop/once:1\"\nuser = \"1000\"\nrestart = \"on-failure:2\"",
        "Job once",
        "spec.backoffLimit",
        "2",
    ),
    ("healthcheck.tcp = \"http\"", "Deployment", "spec.template.spec.containers.0.startupProbe", "null"),
    (
        "healthcheck = { tcp = \"http\", interval = \"1m\", retries = 3, start_interval = \"1s\", start_period = \"10s\" }",
        "Deployment",
        "spec.template.spec.containers.0.startupProbe.failureThreshold",
        "190",
    ),
    (
        "healthcheck = { tcp = \"http\", retries = 10 }\nkubernetes.liveness = true",
        "Deployment",
        "spec.template.spec.containers.0.livenessProbe.failureThreshold",
        "10",
    ),
    (
        "healthcheck.tcp = \"http\"\nkubernetes.liveness = true",
        "Deployment",
        "spec.template.spec.containers.0.livenessProbe.tcpSocket",
        "{port: http}",
    ),
    (
        "ports.http = { target = 8080, path = \"/\" }",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe",
        "{httpGet: {path: /, port: http}}",
    ),
    // What it waits for.
    ("depends_on = [\"db\"]", "Deployment", "spec.template.spec.initContainers.0.command.4", "db:5432"),
    (
        "depends_on.migrate = \"service_completed_successfully\"",
        "Deployment",
        "spec.template.spec.initContainers.0.command",
        "[sh, -c, 'trap ''exit 143'' TERM; until \"$@\"; do sleep 2; done', wait, migrate, --check]",
    ),
    (
        "depends_on.migrate = \"service_completed_successfully\"",
        "Deployment",
        "spec.template.spec.initContainers.0.env",
        "[{name: DB, value: 'db:5432'}]",
    ),
    (
        "depends_on.migrate = \"service_completed_successfully\"",
        "Deployment",
        "spec.template.spec.initContainers.0.securityContext.runAsUser",
        "998",
    ),
    (
        "environment.A = \"cost$$${REGION}\"",
        "Deployment",
        "spec.template.spec.containers.0.env.1",
        "{name: A, value: 'cost$$$(REGION)'}",
    ),
    (
        "healthcheck.test = [\"CMD\", \"sh\", \"-c\", \"test $$(id -u) = 1\"]",
        "Deployment",
        "spec.template.spec.containers.0.readinessProbe.exec.command.2",
        "test $$(id -u) = 1",
    ),
    (
        "extra_hosts = { a = \"192.0.2.1\", b = [\"192.0.2.1\", \"192.0.2.2\"] }",
        "Deployment",
        "spec.template.spec.hostAliases",
        "[{ip: 192.0.2.1, hostnames: [a, b]}, {ip: 192.0.2.2, hostnames: [b]}]",
    ),
    (
        "environment.A = \"b\"\nkubernetes.environment.A = \"c\"",
        "Deployment",
        "spec.template.spec.containers.0.env",
        "[{name: A, value: c}]",
    ),
    (
        "kubernetes.members = \"http\"",
        "NetworkPolicy web",
        "spec.ingress.0.from",
        "[{podSelector: {matchLabels: {app.kubernetes.io/name: web}}}]",
    ),
    // Variables.
    (
        "environment.A = \"${REGION}\"",
        "Deployment",
        "spec.template.spec.containers.0.env",
        "[{name: A, valueFrom: {configMapKeyRef: {name: stack-variables, key: REGION}}}]",
    ),
    (
        "environment.A = \"${TOKEN}\"",
        "Deployment",
        "spec.template.spec.containers.0.env",
        "[{name: A, valueFrom: {secretKeyRef: {name: stack-secrets, key: TOKEN}}}]",
    ),
    (
        "environment = { A = \"x-${REGION}-$$(B)\", REGION = \"${HOST}\" }",
        "Deployment",
        "spec.template.spec.containers.0.env",
        "[{name: STACK_REGION, valueFrom: {configMapKeyRef: {name: stack-variables, key: REGION}}}, \
         {name: REGION, valueFrom: {configMapKeyRef: {name: stack-variables, key: HOST}}}, {name: A, value: x-$(STACK_REGION)-$$(B)}]",
    ),
    (
        "command = [\"--region\", \"${REGION}\"]",
        "Deployment",
        "spec.template.spec.containers.0.args",
        "[--region, $(REGION)]",
    ),
    // Data.
    (
        "volumes = [\"data:/data\"]\nkubernetes = { storage = \"2g\", storage_class = \"fast\" }",
        "StatefulSet",
        "spec.volumeClaimTemplates.0",
        "{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: fast, \
         resources: {requests: {storage: 2Gi}}}}",
    ),
    (
        "volumes = [\"data:/data\"]",
        "StatefulSet",
        "spec.template.spec.containers.0.volumeMounts.0",
        "{name: data, mountPath: /data, subPath: data}",
    ),
    ("volumes = [\"/scratch\"]", "Deployment", "spec.template.spec.volumes.0", "{name: scratch-scratch, emptyDir: {}}"),
    // The role of AWS.
    (
        "aws = true\nkubernetes.role_arn = \"arn:aws:iam::123456789012:role/web\"",
        "ServiceAccount",
        "metadata.annotations",
        "{eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/web'}",
    ),
    ("aws = true", "Deployment", "spec.template.spec.serviceAccountName", "web"),
    ("aws = true", "Deployment", "spec.template.spec.containers.0.env.0.name", "AWS_REGION"),
    ("kubernetes.members = \"http\"", "Service web-members", "spec.publishNotReadyAddresses", "true"),
    ("kubernetes.members = \"http\"", "Service web-members", "spec.clusterIP", "None"),
    // Who may connect.
    ("", "NetworkPolicy default-deny-ingress", "spec", "{podSelector: {}, policyTypes: [Ingress]}"),
    (
        "environment.DB = \"${db.sql}\"",
        "NetworkPolicy db",
        "spec.ingress.0",
        "{from: [{podSelector: {matchLabels: {app.kubernetes.io/name: migrate}}}, \
         {podSelector: {matchLabels: {app.kubernetes.io/name: web}}}], ports: [{port: sql}]}",
    ),
];

#[test]
fn each_key_is_where_kubernetes_reads_it() {
    for (keys, kind, path, expected) in MAPS {
        // A table's key can't be written twice.
        let first = keys.split(['=', '.']).next().unwrap_or_default().trim();
        let again = |line: &&str| {
            let is_user = line.starts_with("user =") && first == "user";
            let is_port = line.starts_with("ports.http =") && keys.contains("ports.http");
            !is_user && !is_port
        };
        let region = if keys.contains("aws = true") {
            "[env.AWS_REGION]\ndescription = \"Region\"\ndefault = \"eu-west-1\"\n"
        } else {
            ""
        };
        let spec = small("");
        let (others, web) = spec.split_once("[services.web]\n").unwrap();
        let web: Vec<&str> = web.lines().filter(again).collect();
        let spec = format!("{}{region}[services.web]\n{}\n{keys}\n", others, web.join("\n"));
        let objects = of(&spec);
        let (kind, name) = kind.split_once(' ').unwrap_or((kind, "web"));
        // The name of a Job ends with a digest.
        let is_meant = |known: &str| known == name || kind == "Job" && known.starts_with(&format!("{name}-"));
        let object = objects.iter().find(|((of, known), _)| of == kind && is_meant(known)).map(|(_, object)| object);
        let object = object.unwrap_or_else(|| panic!("{keys}: no {kind} {name} in {:?}", objects.keys()));
        let expected: Value = serde_yaml::from_str(expected).unwrap();
        assert_eq!(*at(object, path), expected, "{keys}: {kind} {path}");
    }
}

#[test]
fn a_job_is_another_one_if_it_runs_something_else() {
    let jobs = |spec: &str| {
        let jobs: Vec<String> = of(spec).into_keys().filter(|(kind, _)| kind == "Job").map(|(_, name)| name).collect();
        assert_eq!(jobs.len(), 1);
        jobs[0].clone()
    };
    let awaited = "depends_on.migrate = \"service_completed_successfully\"";
    let first = jobs(&small(awaited));
    assert!(first.starts_with("migrate-") && first.len() == "migrate-".len() + 8, "{first}");
    assert_eq!(jobs(&small(&format!("{awaited}\nread_only = true"))), first);
    assert_ne!(jobs(&small(awaited).replace("shop/migrate:1", "shop/migrate:2")), first);
}

/// The name of each `ConfigMap` and `Secret` that pods read is that of a generator, and each file is an output.
#[test]
fn the_kustomizations_generate_what_the_pods_read() {
    let project = Project::new(WHOLE_REFERENCE);
    assert_eq!(project.run(&["render", "--profile", "cluster"]).code, Some(0));
    let read = |path: &str| {
        serde_yaml::from_str::<Value>(&project.read(&format!("generated/cluster/kubernetes/{path}"))).unwrap()
    };
    let base = read("base/kustomization.yaml");
    let overlay = read("overlays/cluster/kustomization.yaml");
    let list = |value: &Value| value.as_sequence().cloned().unwrap_or_default();
    let generators: Vec<Value> =
        list(&base["configMapGenerator"]).into_iter().chain(list(&overlay["secretGenerator"])).collect();
    let names: Vec<&str> = generators.iter().map(|generator| generator["name"].as_str().unwrap()).collect();
    for file in generators.iter().flat_map(|generator| list(&generator["files"])) {
        let file = file.as_str().unwrap().split('=').next_back().unwrap().to_owned();
        project.read(&format!("generated/cluster/kubernetes/base/{file}"));
    }
    let mut referred = 0;
    for resource in list(&base["resources"]) {
        let text = project.read(&format!("generated/cluster/kubernetes/base/{}", resource.as_str().unwrap()));
        for document in serde_yaml::Deserializer::from_str(&text) {
            let object = Value::deserialize(document).unwrap();
            let pod = &object["spec"]["template"]["spec"];
            let containers = list(&pod["containers"]).into_iter().chain(list(&pod["initContainers"]));
            let of_env =
                containers.flat_map(|container| list(&container["env"])).map(|entry| entry["valueFrom"].clone());
            let of_env =
                of_env.flat_map(|from| [from["configMapKeyRef"]["name"].clone(), from["secretKeyRef"]["name"].clone()]);
            let of_volumes = list(&pod["volumes"]).into_iter();
            let of_volumes = of_volumes
                .flat_map(|volume| [volume["configMap"]["name"].clone(), volume["secret"]["secretName"].clone()]);
            for name in of_env.chain(of_volumes) {
                let Some(name) = name.as_str() else { continue };
                assert!(names.contains(&name), "{name}: {names:?}");
                referred += 1;
            }
        }
    }
    assert!(referred > 20, "{referred}");
    // What a person fills in.
    let literals = list(&generators[0]["literals"]);
    assert!(literals.contains(&"AWS_REGION=eu-west-1".into()), "{literals:?}");
    let example = project.read("generated/cluster/kubernetes/overlays/cluster/config.env.example");
    assert!(example.contains("\nTEMPORAL_SQL_HOST=\n"), "{example}");
    assert!(!example.contains("GRAFANA_ADMIN_PASSWORD"), "{example}");
    // They are no outputs, but may be there.
    project.write("generated/cluster/kubernetes/overlays/cluster/config.env", "A=b\n");
    project.write("generated/cluster/kubernetes/overlays/cluster/secrets.env", "A=b\n");
    let run = project.run(&["check", "--profile", "cluster"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    project.write("generated/cluster/kubernetes/base/more.yaml", "a: b\n");
    assert_eq!(project.run(&["check", "--profile", "cluster"]).code, Some(1));
}

/// The API server refuses a larger one, which is too late.
#[test]
fn a_config_map_has_a_limit() {
    let spec = |files: &str| {
        format!(
            "target = \"kubernetes\"\n[stack]\nname = \"shop\"\n[profiles.live]\n\
             [services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\nvolumes = [{files}]\n\
             [files.\"a.txt\"]\ntemplate = \"spec/a.txt\"\n[files.\"b.txt\"]\ntemplate = \"spec/a.txt\"\n"
        )
    };
    let mount = |name: &str| format!("{{ file = \"{name}.txt\", target = \"/{name}.txt\" }}");
    // 600,000 bytes.
    let template =
        format!("{{% for a in range(100) %}}{{% for b in range(100) %}}{}{{% endfor %}}{{% endfor %}}", "x".repeat(60));
    for (files, code) in [(mount("a"), 0), (format!("{}, {}", mount("a"), mount("b")), 3)] {
        let project = Project::new(spec(&files));
        project.write("spec/a.txt", &template);
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(code), "{run:?}");
        if code != 0 {
            let says = "the files of the ConfigMap `web-files` are too large for Kubernetes: 1200002 bytes with \
                        `generated/live/kubernetes/base/files/b.txt`, of at most 1048576; ";
            assert!(run.stderr.contains(says), "{run:?}");
            assert!(!project.path("generated").exists());
        }
    }
}

/// Routes, and secrets from a store, are the objects of other projects.
#[test]
fn routes_and_external_secrets_are_there_on_request() {
    let spec = small("kubernetes.routes = { http = \"shop.example.com\" }\n").replace(
        "[kubernetes]\n",
        "[kubernetes]\ngateway = \"infra/web\"\nexternal_secrets = { store = \"aws\", kind = \"ClusterSecretStore\", prefix = \"shop/\" }\n",
    );
    let files = files(&plan(&spec));
    let objects = objects(&files);
    let get = |kind: &str, name: &str| &objects[&(kind.to_owned(), name.to_owned())];
    let yaml = |text: &str| -> Value { serde_yaml::from_str(text).unwrap() };
    assert_eq!(
        get("HTTPRoute", "web-http")["spec"],
        yaml(
            "{parentRefs: [{name: web, namespace: infra}], hostnames: [shop.example.com], \
             rules: [{backendRefs: [{name: web, port: 8080}]}]}"
        )
    );
    assert_eq!(get("NetworkPolicy", "web")["spec"]["ingress"], yaml("[{ports: [{port: http}]}]"));
    assert_eq!(
        get("ExternalSecret", "stack-secrets")["spec"],
        yaml(
            "{refreshInterval: 1h, secretStoreRef: {name: aws, kind: ClusterSecretStore}, target: {name: stack-secrets}, \
             data: [{secretKey: TOKEN, remoteRef: {key: shop/TOKEN}}]}"
        )
    );
    let overlay = "generated/live/kubernetes/overlays/live";
    let kustomization = &files[&format!("{overlay}/kustomization.yaml")];
    assert!(!kustomization.contains("secret"), "{kustomization}");
    assert!(!files.contains_key(&format!("{overlay}/secrets.env.example")));
    let readme = &files["generated/live/README.md"];
    assert!(readme.contains("The Gateway opens to the outside:\n\n- `web` at `shop.example.com`\n"), "{readme}");
    assert!(readme.contains("and the Gateway `infra/web` with"), "{readme}");
    assert!(readme.contains("and the ClusterSecretStore `aws` with the keys `shop/TOKEN`\n"), "{readme}");
    assert!(readme.contains("| `TOKEN` | Token | `ExternalSecret` |"), "{readme}");
}

/// What a pod may do in AWS follows from what it is told of the resources.
#[test]
fn pods_in_eks_have_roles_for_what_terraform_fills() {
    let project = Project::new(WHOLE_REFERENCE);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let main: serde_json::Value = hcl::from_str(&project.read("terraform/cluster/main.tf")).unwrap();
    let association = &main["resource"]["aws_eks_pod_identity_association"]["pod"];
    assert_eq!(association["namespace"], "sre-copilot");
    let accounts = main["locals"].to_string();
    let granted = |service: &str| -> String {
        let name = format!("pod_{}", service.replace('-', "_"));
        assert!(accounts.contains(service), "{service}: {accounts}");
        assert_eq!(main["resource"]["aws_iam_role_policy"][&name]["name"], "stack", "{service}");
        main["data"]["aws_iam_policy_document"][&name]["statement"].to_string()
    };
    for (service, has, lacks) in [
        ("temporal-history", "aws_dsql_cluster.monitored.arn", "aws_dsql_cluster.copilot"),
        ("copilot-temporal", "aws_dsql_cluster.copilot.arn", "aws_dsql_cluster.monitored"),
        ("copilot-worker", "bedrock:Retrieve", "s3:"),
        ("copilot-api", "s3:GetObject", "bedrock:"),
        ("schema-monitored", "dsql:DbConnectAdmin", "s3:"),
        ("grafana", "cloudwatch:GetMetricData", "dsql:"),
    ] {
        let granted = granted(service);
        assert!(granted.contains(has) && !granted.contains(lacks), "{service}: {granted}");
    }
    // With Compose, without a cluster in EKS, or with a role of its own there is none.
    assert!(!project.read("terraform/dev/main.tf").contains("pod"));
    project.replace("spec/stack.toml", "eks_cluster =", "# eks_cluster =");
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert!(!project.read("terraform/cluster/main.tf").contains("pod"));
    project.replace("spec/stack.toml", "# eks_cluster =", "eks_cluster =");
    let role = "kubernetes.role_arn = \"arn:aws:iam::123456789012:role/api\"\n";
    let api = "[profiles.cluster.services.copilot-api]\n";
    project.replace("spec/stack.toml", api, &format!("{api}{role}"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    let own = project.read("terraform/cluster/main.tf");
    assert!(!own.contains("\"copilot-api\"") && own.contains("\"copilot-worker\""), "{own}");
}

/// Who waits for the work of a one-shot asks what the one-shot asks.
#[test]
fn a_pod_may_do_what_it_waits_for() {
    let project = Project::new(
        r#"
target = "kubernetes"
[stack]
name = "shop"
[profiles.live]
[kubernetes]
eks_cluster = "shop"
[infrastructure]
project = "shop"
region = "eu-west-1"
buckets.data = {}
[env.AWS_REGION]
description = "Region"
output = "region"
[env.BUCKET]
description = "Bucket of the data"
output = "data_bucket"
[services.setup]
image = "shop/setup:1"
user = "1000"
aws = true
environment.BUCKET = "${BUCKET}"
kubernetes.effect = ["setup", "--check"]
[services.web]
image = "shop/web:1"
user = "1000"
aws = true
depends_on.setup = "service_completed_successfully"
[services.other]
image = "shop/web:1"
user = "1000"
aws = true
"#,
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let main: serde_json::Value = hcl::from_str(&project.read("terraform/live/main.tf")).unwrap();
    let granted = |name: &str| main["data"]["aws_iam_policy_document"][name]["statement"].to_string();
    assert!(granted("pod_setup").contains("s3:GetObject"), "{main}");
    assert_eq!(granted("pod_web"), granted("pod_setup"));
    assert!(!granted("pod_other").contains("s3:"), "{main}");
}

/// Members find each other before they are ready, and who has an address in a file may connect to it.
#[test]
fn connections_in_files_and_between_members_are_allowed() {
    let project = Project::new(
        "target = \"kubernetes\"\n[stack]\nname = \"shop\"\n[profiles.live]\n\
         [services.kafka]\nabstract = true\nimage = \"shop/kafka:1\"\nuser = \"1000\"\n\
         ports = { broker = { target = 9092 }, controller = { target = 9093 } }\nkubernetes.members = \"controller\"\n\
         [services.kafka-1]\nextends = \"kafka\"\nenvironment.VOTERS = \"2@${kafka-2.controller}\"\n\
         [services.kafka-2]\nextends = \"kafka\"\nvolumes = [{ file = \"kafka-1.yaml\", target = \"/etc/kafka.yaml\" }]\n\
         [services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\nports.http = 80\n\
         [files.\"kafka-1.yaml\"]\ntemplate = \"spec/kafka.yaml\"\n",
    );
    project.write(
        "spec/kafka.yaml",
        "voters: 1@{= services[\"kafka-1\"].ports.controller.address =}\nweb: http://web:80/ # web:81, my-web:80\n",
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let base = "generated/live/kubernetes/base";
    // It is not the manifest of the service.
    let file = project.read(&format!("{base}/files/kafka-1.yaml"));
    assert!(file.contains("1@kafka-1-members:9093"), "{file}");
    let manifest = project.read(&format!("{base}/kafka-1.yaml"));
    assert!(manifest.contains("value: 2@kafka-2-members:9093\n"), "{manifest}");
    let policies = project.read(&format!("{base}/network-policies.yaml"));
    let clients = |service: &str| -> Vec<String> {
        let mut documents = serde_yaml::Deserializer::from_str(&policies).map(|one| Value::deserialize(one).unwrap());
        let policy = documents.find(|policy| policy["metadata"]["name"] == service).unwrap();
        let from = policy["spec"]["ingress"][0]["from"].as_sequence().unwrap().iter();
        let name =
            |from: &Value| from["podSelector"]["matchLabels"]["app.kubernetes.io/name"].as_str().unwrap().to_owned();
        from.map(name).collect()
    };
    assert_eq!(clients("kafka-1"), ["kafka-1", "kafka-2"]);
    assert_eq!(clients("kafka-2"), ["kafka-1", "kafka-2"]);
    assert_eq!(clients("web"), ["kafka-2"]);
}

/// A stack without anything to fill in has no overlay.
#[test]
fn an_overlay_is_only_there_to_be_filled_in() {
    let spec = "target = \"kubernetes\"\n[stack]\nname = \"shop\"\n[profiles.live]\n[services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\n";
    let files = files(&plan(spec));
    assert!(!files.keys().any(|path| path.contains("/overlays/")), "{:?}", files.keys());
    let readme = &files["generated/live/README.md"];
    assert!(
        readme.contains("kubectl apply --server-side --field-manager gen --kustomize generated/live/kubernetes/base\n"),
        "{readme}"
    );
}

/// Alloy finds the pods, and has a role for it; there is neither a socket nor a path of the host.
#[test]
fn alloy_asks_the_api_server() {
    let project = Project::new(WHOLE_REFERENCE);
    assert_eq!(project.run(&["render", "--profile", "cluster"]).code, Some(0));
    let text = project.read("generated/cluster/kubernetes/base/alloy.yaml");
    for (absent, present) in [
        ("docker.sock", "kind: RoleBinding"),
        ("hostPath", "pods/log"),
        ("ClusterRole", "automountServiceAccountToken: true"),
    ] {
        assert!(!text.contains(absent) && text.contains(present), "{absent}, {present}: {text}");
    }
    let config = project.read("generated/cluster/kubernetes/base/files/config/alloy.alloy");
    let regex =
        "regex         = \"temporal-history:9090|temporal-matching:9090|temporal-frontend:9090|temporal-worker:9090\"";
    assert!(config.contains(regex) && config.contains("own_namespace = true"), "{config}");
}
