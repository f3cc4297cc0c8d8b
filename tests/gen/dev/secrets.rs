//! `[env.NAME] from`: values that live elsewhere, read by stand-ins of the providers' commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::project::Run;
use super::{STUB, Stubs};

const SPEC: &str = r#"
[stack]
name = "shop"
title = "Shop"

[profiles.dev]

[services.api]
image = "example/api:1"
environment = { ONE = "${ONE}", AWS = "${AWS}", KEY = "${KEY}", LINE = "${LINE}" }

[services.db]
image = "example/db:1"
secrets = ["password"]

[services.tool]
image = "example/tool:1"
build = { context = ".", args = { BUILD = "${BUILD}" } }
profiles = ["tools"]

[secrets.password]
environment = "PASSWORD"

[env.ONE]
description = "In 1Password"
required = true
secret = true
from = "op://Dev/Shop/token"

[env.AWS]
description = "In AWS"
secret = true
from = "aws-sm://shop/api#token"

[env.KEY]
description = "In AWS as a whole"
secret = true
from = "aws-sm://shop/key"

[env.PASSWORD]
description = "In Vault"
required = true
secret = true
from = "vault://secret/shop/db#password"

[env.LINE]
description = "Printed by a command"
required = true
secret = true
from = "cmd:pass show shop/line | head -n 1"

[env.BUILD]
description = "Needed by a build"
secret = true
from = "cmd:pass show shop/build"
"#;

/// The variables, and what each has in its place.
const VALUES: [(&str, &str); 6] = [
    ("ONE", "hush-one"),
    ("AWS", "hush-aws"),
    ("KEY", "{\"token\":\"hush-aws\"}"),
    ("PASSWORD", "hush password"),
    ("LINE", "hush-line"),
    ("BUILD", "hush-build"),
];

/// A project with stand-ins of the providers; what Docker gets in its environment is in the record.
fn stubs() -> Stubs {
    let stubs = Stubs::new(SPEC);
    for program in ["op", "aws", "vault", "pass"] {
        stubs.project.write(&format!("bin/{program}"), STUB);
        fs::set_permissions(stubs.project.path(&format!("bin/{program}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    stubs.project.write("generated/dev/.env", "");
    fs::set_permissions(stubs.project.path("generated/dev/.env"), fs::Permissions::from_mode(0o600)).unwrap();
    stubs.script("op read", "printf hush-one; exit 0");
    stubs.answer("--secret-id shop/api ", 0, "\"{\\\"token\\\":\\\"hush-aws\\\"}\"");
    stubs.answer("--secret-id shop/key ", 0, "\"{\\\"token\\\":\\\"hush-aws\\\"}\"");
    stubs.script("vault kv get", "printf 'hush password'; exit 0");
    stubs.answer("pass show shop/line", 0, "hush-line\nsecond");
    stubs.answer("pass show shop/build", 0, "hush-build");
    let names = VALUES.map(|(name, _)| format!("${{{name}-}}")).join("|");
    for command in [" up", " build tool", " config "] {
        stubs.script(command, &format!("printf '%s\\n' \"{names}\" >> \"${{STUB}}/environment\"; exit 0"));
    }
    stubs
}

/// What Docker got in its environment, command by command.
fn given(stubs: &Stubs) -> Vec<String> {
    let path = stubs.project.path("environment");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(path);
    text.lines().map(ToOwned::to_owned).collect()
}

/// What was run of the providers.
fn asked(stubs: &Stubs) -> Vec<String> {
    let record = stubs.record();
    let is_asked = |line: &String| ["op ", "aws ", "vault ", "pass "].iter().any(|program| line.starts_with(program));
    record.into_iter().filter(is_asked).collect()
}

/// Fails if a value was said, or is in a file besides those of the test.
fn is_quiet(stubs: &Stubs, run: &Run) {
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("hush"), "{run:?}");
    for (path, contents) in stubs.project.outputs() {
        assert!(!String::from_utf8_lossy(&contents).contains("hush"), "{path}");
    }
    for path in ["generated/dev/.env", "record"] {
        let text = fs::read_to_string(stubs.project.path(path)).unwrap_or_default();
        assert!(!text.contains("hush"), "{path}");
    }
}

#[test]
fn values_reach_compose_and_nothing_else() {
    let stubs = stubs();
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    is_quiet(&stubs, &run);
    assert!(run.stderr.contains("gen: reading `ONE` from `op://Dev/Shop/token`\n"), "{run:?}");
    // Each once, and none that nothing of it needs.
    assert_eq!(
        asked(&stubs),
        [
            "op read --no-newline op://Dev/Shop/token",
            "aws secretsmanager get-secret-value --secret-id shop/api --query SecretString --output json",
            "aws secretsmanager get-secret-value --secret-id shop/key --query SecretString --output json",
            "vault kv get -format=table -field=password secret/shop/db",
            "pass show shop/line",
        ]
    );
    let expected = VALUES.map(|(name, value)| if name == "BUILD" { "1" } else { value }).join("|");
    assert_eq!(given(&stubs), [expected]);
}

#[test]
fn only_what_is_needed_is_read() {
    let stubs = stubs();
    for arguments in [&["ps"][..], &["logs"], &["down"], &["doctor"], &["env", "check"], &["env", "fill"]] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        assert_eq!(asked(&stubs), [""; 0], "{arguments:?}");
        is_quiet(&stubs, &run);
    }
    for command in [&["check"][..], &["render"], &["review"], &["list", "env"]] {
        stubs.project.run(command);
        assert_eq!(asked(&stubs), [""; 0], "{command:?}");
    }
    let run = stubs.run(&["env", "check"]);
    assert!(run.stdout.contains("  ONE: `gen dev up` reads it from `op://Dev/Shop/token`\n"), "{run:?}");
    stubs.run(&["up", "--detach", "db"]);
    assert_eq!(asked(&stubs), ["vault kv get -format=table -field=password secret/shop/db"]);
    assert_eq!(given(&stubs), ["1|1|1|hush password|1|1"]);
    let run = stubs.run(&["build", "tool"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(asked(&stubs), ["pass show shop/build"]);
    assert_eq!(given(&stubs), ["1|1|1|1|1|hush-build"]);
}

/// Wherever Compose finds a variable, what it gets is the value.
#[test]
fn nothing_that_starts_gets_another_value() {
    const BUILD: &str = "BUILD = \"${BUILD}\"";
    for (from, to) in [
        // Of the service that is not started, and of something else.
        ("[secrets.password]", "[volumes.share]\ndriver_opts = { o = \"password=${BUILD}\" }\n[secrets.password]"),
        ("secrets = [\"password\"]", "secrets = [\"password\"]\nbuild = { context = \".\", args = [\"BUILD\"] }"),
        ("secrets = [\"password\"]", "secrets = [\"password\", \"build\"]\nbuild = { context = \".\" }"),
        ("secrets = [\"password\"]", "secrets = [\"password\"]\nconfigs = [\"build\"]"),
    ] {
        let stubs = stubs();
        stubs.project.replace("spec/stack.toml", from, to);
        for (name, key, value) in [("secrets", "environment", "BUILD"), ("configs", "content", "x=${BUILD}")] {
            if to.contains(name) && to.contains("\"build\"") {
                let spec = stubs.project.read("spec/stack.toml");
                stubs.project.write("spec/stack.toml", format!("{spec}\n[{name}.build]\n{key} = \"{value}\"\n"));
            }
        }
        assert!(stubs.project.read("spec/stack.toml").contains(BUILD));
        let run = stubs.project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let run = stubs.run(&["up", "--detach", "db"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(given(&stubs), ["1|1|1|hush password|1|hush-build"], "{to}");
    }
    // Of a Compose profile that is chosen, and in a value of one's own.
    for dotenv in ["COMPOSE_PROFILES=tools\n", "OTHER=x-${BUILD}\n"] {
        let stubs = stubs();
        stubs.project.write("generated/dev/.env", dotenv);
        stubs.run(&["up", "--detach", "db"]);
        assert!(given(&stubs)[0].ends_with("|hush-build"), "{dotenv}");
    }
}

#[test]
fn hooks_have_their_values_when_services_end() {
    let stubs = stubs();
    let hook = "[services.db]\npre_stop = [{ command = [\"bye\", \"${HOOK}\"] }]";
    stubs.project.replace("spec/stack.toml", "[services.db]", hook);
    let spec = stubs.project.read("spec/stack.toml");
    let from = "[env.HOOK]\ndescription = \"Of a hook\"\nsecret = true\nfrom = \"cmd:pass show shop/hook\"\n";
    stubs.project.write("spec/stack.toml", format!("{spec}\n{from}"));
    let run = stubs.project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    stubs.answer("pass show shop/hook", 0, "hush-hook");
    for command in [" down", " restart"] {
        stubs.script(command, "printf '%s\\n' \"${HOOK-}|${ONE-}\" >> \"${STUB}/environment\"; exit 0");
    }
    for (arguments, expected) in
        [(&["down"][..], "hush-hook|1"), (&["restart", "db"], "hush-hook|1"), (&["restart", "api"], "1|1")]
    {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(given(&stubs), [expected], "{arguments:?}");
        is_quiet(&stubs, &run);
    }
}

#[test]
fn a_value_of_ones_own_wins() {
    let stubs = stubs();
    stubs.project.write("generated/dev/.env", "ONE=mine\nAWS=\n");
    let run: Run = stubs.command(&["up", "--detach", "api"]).env("LINE", "shell").output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
    let asked = asked(&stubs);
    assert!(asked.len() == 2 && asked.iter().all(|line| line.starts_with("aws ")), "an empty one is none: {asked:?}");
}

#[test]
fn what_fails_is_named_without_a_value() {
    let stubs = stubs();
    stubs.answer("vault kv get", 2, "hush password");
    stubs.answer("--secret-id shop/api ", 0, "\"{\\\"other\\\":\\\"hush-aws\\\"}\"");
    fs::remove_file(stubs.project.path("bin/op")).unwrap();
    let mut command = stubs.command(&["up", "--detach"]);
    // No other `op` either.
    let folders = format!("{}:/usr/bin:/bin", stubs.project.path("bin").display());
    let run: Run = command.env("PATH", folders).output().unwrap().into();
    assert_eq!(run.code, Some(1), "{run:?}");
    is_quiet(&stubs, &run);
    for said in [
        "error: cannot read `ONE` from `op://Dev/Shop/token`: `op` is not installed or not on PATH\n  help: install the CLI of \
         1Password: https://developer.1password.com/docs/cli/get-started/; or set ONE in `.env`\n",
        "error: `aws-sm://shop/api#token` has no value for `AWS`: the secret does not have that key\n  help: correct `from` of \
         `[env.AWS]`, or set AWS in `.env`\n",
        "error: cannot read `PASSWORD` from `vault://secret/shop/db#password`: `vault` failed\n  help: log in with `vault \
         login`, and check VAULT_ADDR, or set PASSWORD in `.env`\n",
    ] {
        assert!(run.stderr.contains(said), "`{said}`: {}", run.stderr);
    }
    assert_eq!(given(&stubs), [""; 0], "nothing was started");
    let mut command = stubs.command(&["doctor"]);
    let folders = format!("{}:/usr/bin:/bin", stubs.project.path("bin").display());
    let run: Run = command.env("PATH", folders).output().unwrap().into();
    assert!(run.stdout.contains("error: `op`, which reads `ONE`, is not installed or not on PATH"), "{run:?}");
}
