//! What is said before anything starts, and by `doctor`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::{Run, SMALL, Stubs, free_port};

/// The small stack with an image that is built here.
fn with_build() -> Stubs {
    let stubs = Stubs::new(
        &(SMALL.replace("example/api:1", "own")
            + "\n[images.own]\nref = \"own:1\"\nbuild = { context = \"${TREE}\" }\n\
               \n[env.TREE]\ndescription = \"Source tree of the API\"\ndefault = \".\"\n"),
    );
    let env = format!("TOKEN=hush\nPORT={}\n", free_port());
    stubs.project.write("generated/dev/.env", env);
    fs::set_permissions(stubs.project.path("generated/dev/.env"), fs::Permissions::from_mode(0o600)).unwrap();
    stubs
}

#[test]
fn a_stack_that_can_run_is_told_so() {
    let stubs = with_build();
    let run = stubs.run(&["doctor"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "no problems found\n"), "{run:?}");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "quietly");
}

/// Breaks something; both say it with what to do, and nothing is started.
fn keeps_from_running(break_it: impl FnOnce(&Stubs), what: &str, help: &str) {
    let stubs = with_build();
    break_it(&stubs);
    for arguments in [&["up"][..], &["up", "--wait", "api"], &["doctor"]] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        let said = run.stdout + &run.stderr;
        assert!(said.contains(&format!("error: {what}")), "`{what}` in:\n{said}");
        assert!(said.contains(&format!("  help: {help}")), "`{help}` in:\n{said}");
        assert!(stubs.changes().is_empty(), "nothing was started");
    }
}

#[test]
fn compose_must_be_there_and_new_enough() {
    let get = "install the Compose plugin of Docker";
    keeps_from_running(
        |stubs| stubs.answer("compose version", 1, ""),
        "the Docker Compose plugin is not installed",
        get,
    );
    keeps_from_running(
        |stubs| stubs.answer("compose version", 0, "2.23.3"),
        "Docker Compose 2.23.3 is too old: 2.24",
        get,
    );
}

#[test]
fn without_the_plugin_docker_is_not_asked_to_understand_its_options() {
    let stubs = Stubs::new(SMALL);
    stubs.answer("compose version", 1, "");
    for verb in ["down", "logs", "ps", "restart"] {
        let run = stubs.run(&[verb]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.starts_with("error: the Docker Compose plugin is not installed\n"), "{run:?}");
        assert_eq!(stubs.record(), ["docker compose version --short"], "{verb}");
    }
}

#[test]
fn the_engine_must_be_reached() {
    keeps_from_running(
        |stubs| stubs.script("docker info", "echo 'Cannot connect to the Docker daemon' >&2\nexit 1\n"),
        "cannot connect to the Docker engine: Cannot connect to the Docker daemon",
        "start Docker",
    );
}

#[test]
fn required_variables_must_have_values() {
    let what = "`TOKEN` has no value: Token of the payment provider";
    let help = "set TOKEN in `generated/dev/.env`";
    keeps_from_running(|stubs| stubs.project.write("generated/dev/.env", "TOKEN=''\n"), what, help);
    keeps_from_running(
        |stubs| fs::remove_file(stubs.project.path("generated/dev/.env")).unwrap(),
        &format!("{what}; `generated/dev/.env` does not exist yet"),
        help,
    );
    keeps_from_running(
        |stubs| stubs.project.write("generated/dev/.env", "A=1\nTOKEN='\n"),
        "invalid `generated/dev/.env`: line 2: missing closing quote",
        "fix this line",
    );
}

#[test]
fn images_must_have_been_built() {
    keeps_from_running(
        |stubs| stubs.answer("image inspect", 1, ""),
        "image `own:1` has not been built",
        "run `gen dev build own`",
    );
}

#[test]
fn ports_must_be_free() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let take = |stubs: &Stubs| stubs.project.write("generated/dev/.env", format!("TOKEN=a\nPORT={port}\n"));
    let help = "stop that program, or change the `published` port";
    if cfg!(target_os = "linux") {
        let holder = format!("(process {})", std::process::id());
        let stubs = with_build();
        take(&stubs);
        let run = stubs.run(&["up"]);
        assert!(run.stderr.contains(&holder), "{run:?}");
    }
    keeps_from_running(take, &format!("port {port} (`http` of `api`) is in use by `"), help);
    keeps_from_running(
        |stubs| {
            take(stubs);
            stubs.answer("docker ps --format", 0, &format!("theirs\t127.0.0.1:{port}->80/tcp"));
        },
        &format!("port {port} (`http` of `api`) is in use by container `theirs`"),
        help,
    );
}

#[test]
fn the_ports_of_this_projects_containers_are_its_own() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let stubs = with_build();
    stubs.project.write("generated/dev/.env", format!("TOKEN=a\nPORT={port}\n"));
    let publisher = format!(r#"{{"URL":"127.0.0.1","TargetPort":80,"PublishedPort":{port},"Protocol":"tcp"}}"#);
    stubs.containers(&[&format!(r#"{{"Service":"api","State":"running","Publishers":[{publisher}]}}"#)]);
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    // A service that publishes nothing doesn't care.
    stubs.containers(&[]);
    assert_eq!(stubs.run(&["up", "--detach", "db"]).code, Some(0));
}

#[test]
fn warnings_do_not_keep_it_from_running() {
    let stubs = with_build();
    stubs.answer("docker info", 0, r#"{"ServerVersion":"28.2.2","MemTotal":4000000000}"#);
    stubs.project.write("generated/dev/docker-compose.yml", "edited");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stderr.contains("warning: the Docker engine has only 4.0 GB of memory; 8 GB are recommended\n  help: "),
        "{run:?}"
    );
    let drift = "warning: 1 output is out of date\n  help: see `gen check --profile dev`";
    assert!(run.stderr.contains(drift), "{run:?}");
    assert_eq!(stubs.run(&["doctor"]).code, Some(0));
}

#[test]
fn a_source_tree_matters_to_who_builds() {
    let stubs = with_build();
    let env = stubs.project.read("generated/dev/.env");
    stubs.project.write("generated/dev/.env", format!("{env}TREE=../gone\n"));
    let run = stubs.run(&["doctor"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("warning: cannot rebuild `own:1`: source tree `"), "{run:?}");
    assert!(run.stdout.contains("set TREE in `generated/dev/.env`"), "{run:?}");
    assert!(!stubs.run(&["up", "--detach"]).stderr.contains("source tree"));
    stubs.answer("image inspect", 1, "");
    assert_eq!(stubs.run(&["doctor"]).code, Some(1));
}

#[test]
fn doctor_shows_everything_at_once() {
    let stubs = with_build();
    stubs.answer("image inspect", 1, "");
    stubs.project.write("generated/dev/.env", "TOKE=x\n");
    fs::set_permissions(stubs.project.path("generated/dev/.env"), fs::Permissions::from_mode(0o644)).unwrap();
    let run = stubs.run(&["doctor"]);
    assert_eq!(run.code, Some(1));
    for what in [
        "error: `TOKEN` has no value",
        "warning: unused variable `TOKE` in `.env`\n  help: did you mean `TOKEN`?",
        "warning: other users can read `generated/dev/.env`, which may contain secrets\n  help: run `chmod 600",
        "error: image `own:1` has not been built",
        "2 errors, 2 warnings",
    ] {
        assert!(run.stdout.contains(what), "`{what}` in:\n{}", run.stdout);
    }
    let mut command = stubs.command(&["doctor"]);
    let run: super::Run = command.env("PATH", stubs.project.root()).output().unwrap().into();
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("error: `docker` is not installed or not on PATH\n  help: install Docker"), "{run:?}");
}

#[test]
fn what_compose_needs_of_the_host_must_be_there() {
    let needs = SMALL.replace(
        "image = \"example/api:1\"",
        "image = \"example/api:1\"\nenv_file = [\"api.env\", { path = \"more.env\", required = false }]\n\
         volumes = [\"./conf:/conf\", \"${HOME_OF_DATA:-./generated/dev/data}:/data\"]\nbuild = { context = \"./api\", dockerfile = \"Own\" }\n\
         secrets = [\"key\"]\ndevelop.watch = [{ action = \"rebuild\", path = \"./watched\" }]",
    ).replace("volumes = [", "volumes = [\"bound:/bound\", ") + "\n[volumes.bound]\ndriver_opts = { type = \"none\", o = \"bind\", \
       device = \"./bound\" }\n[secrets.key]\nfile = \"key.txt\"\n[env.HOME_OF_DATA]\ndescription = \"Folder of the data\"\n";
    let stubs = Stubs::new(&needs);
    stubs.project.write("generated/dev/.env", format!("TOKEN=hush\nPORT={}\nHOME_OF_DATA=./data\n", free_port()));
    let run = stubs.run(&["doctor"]);
    let at = |path: &str| stubs.project.path(path);
    for what in [
        format!("error: `volumes` of `api`: `{}` does not exist", at("conf").display()),
        // A value of a variable is relative to the Compose file.
        format!("error: `volumes` of `api`: `{}` does not exist", at("generated/dev/data").display()),
        format!("error: `env_file` of `api`: `{}` does not exist", at("api.env").display()),
        format!("warning: `build.context` of `api`: `{}` does not exist", at("api").display()),
        format!("error: secret `key`: `{}` does not exist", at("key.txt").display()),
        format!("error: `driver_opts.device` of the volume `bound`: `{}` does not exist", at("bound").display()),
        format!("warning: `build.dockerfile` of `api`: `{}` does not exist", at("api/Own").display()),
        format!("warning: `develop.watch` of `api`: `{}` does not exist", at("watched").display()),
    ] {
        assert!(run.stdout.contains(&what), "`{what}` in:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("more.env"), "it is optional");
    let up = stubs.run(&["up"]);
    assert_eq!(up.code, Some(1), "{up:?}");
    assert!(stubs.changes().is_empty());
    for folder in ["conf", "generated/dev/data", "api", "bound", "watched"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for file in ["api.env", "key.txt", "api/Own"] {
        stubs.project.write(file, "");
    }
    assert!(!stubs.run(&["doctor"]).stdout.contains("does not exist"));
}

/// A container's user needs the permission to read `~/.aws`, whose files are their owner's only.
#[cfg(target_os = "linux")]
#[test]
fn credentials_must_be_readable() {
    use std::os::unix::fs::MetadataExt as _;
    let spec = SMALL.replace("image = \"example/api:1\"", "image = \"api\"\naws = true\ncap_drop = [\"ALL\"]")
        + "\n[images.api]\nref = \"example/api:1\"\nhome = \"/home/api\"\n\n[env.AWS_REGION]\ndescription = \"r\"\n\
           \n[env.HOST_UID]\ndescription = \"u\"\n";
    let stubs = Stubs::new(&spec);
    let compose = stubs.project.read("generated/dev/docker-compose.yml");
    assert!(compose.contains("    user: ${HOST_UID:-}\n") && compose.contains("      HOME: /home/api\n"), "{compose}");
    let env = "generated/dev/.env";
    fs::set_permissions(stubs.project.path(env), fs::Permissions::from_mode(0o600)).unwrap();
    stubs.project.write("home/.aws/credentials", "[default]\n");
    let file = stubs.project.path("home/.aws/credentials");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(&file).unwrap().uid();
    let other = owner + 472;
    let doctor = || {
        let home = stubs.project.path("home");
        let run: Run = stubs.command(&["doctor"]).env("HOME", home).env_remove("HOST_UID").output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout
    };
    let warning = format!(
        "warning: `api` runs as user {other}, which cannot read `{}` (mode 0600, owner {owner})\n  \
         help: set HOST_UID={owner} in `generated/dev/.env`\n",
        file.display()
    );
    stubs.answer("{{.Config.User}} example/api:1", 0, &other.to_string());
    assert!(doctor().contains(&warning), "{}", doctor());
    // The image knows the number of a name.
    stubs.answer("{{.Config.User}} example/api:1", 0, "api");
    stubs.answer("--entrypoint id example/api:1 -u", 0, &other.to_string());
    assert!(doctor().contains(&warning), "{}", doctor());
    stubs.answer("--entrypoint id example/api:1 -u", 1, "");
    assert!(!doctor().contains("cannot read"), "{}", doctor());
    stubs.answer("{{.Config.User}} example/api:1", 0, &other.to_string());
    stubs.answer(
        "docker info",
        0,
        r#"{"ServerVersion":"28.2.2","MemTotal":16000000000,"OperatingSystem":"Docker Desktop"}"#,
    );
    assert!(!doctor().contains("cannot read"), "{}", doctor());
    stubs.answer("docker info", 0, r#"{"ServerVersion":"28.2.2","MemTotal":16000000000}"#);
    assert!(doctor().contains(&warning), "{}", doctor());
    let up = |arguments: &[&str]| {
        let home = stubs.project.path("home");
        let mut command = stubs.command(&[&["up", "--detach"], arguments].concat());
        let run: Run = command.env("HOME", home).env_remove("HOST_UID").output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stderr
    };
    assert!(up(&[]).contains(&warning) && up(&["api"]).contains(&warning));
    assert!(!up(&["db"]).contains("cannot read"), "it does not start");
    stubs.project.write(env, format!("TOKEN=hush\nHOST_UID={owner}\nPORT={}\n", free_port()));
    assert!(!doctor().contains("cannot read"), "{}", doctor());
}
