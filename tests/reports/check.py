"""Checks the reports for programs against their schema, and asks the server of the Model Context Protocol with the official
client. The argument is the `gen` to run, in a copy of this project's spec."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import anyio
import jsonschema
import mcp
from mcp.client.stdio import StdioServerParameters

gen = pathlib.Path(sys.argv[1]).resolve()
source = pathlib.Path(__file__).parents[2]


def run(folder, *arguments, codes=(0,)):
    ended = subprocess.run([gen, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode in codes, (arguments, ended)
    return ended.stdout


def strict(schema):
    """The schema without the promise that keys may be added."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: strict(part) for key, part in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        kept["additionalProperties"] = False
    return kept


def project(folder):
    shutil.copytree(source / "spec", folder / "spec")
    for arguments in (["init", "--quiet"], ["add", "spec"], ["commit", "--quiet", "--message", "Begin"]):
        identity = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
    run(folder, "render")
    return folder


def reports(folder):
    """The name in the schema of each report, and its text."""
    compose = "generated/dev/docker-compose.yml"
    lists = ("services", "ports", "env", "images", "datasources", "kinds", "artifacts")
    profile = ("--profile", "dev")

    def printed(name, *arguments, codes=(0,)):
        return name, run(folder, *arguments, codes=codes)

    def json_of(name, *arguments, codes=(0,)):
        return printed(name, *arguments, "--format", "json", codes=codes)

    for what in lists:
        yield json_of(f"list-{what}", "list", what)
    for each in ("dev", "local"):
        yield printed("model", "model", "--profile", each)
        yield json_of("graph", "graph", "--profile", each)
    yield json_of("check", "check")
    yield json_of("check-all", "check", "--all")
    yield json_of("explain", "explain", f"{compose}:12")
    yield json_of("explain-code", "explain", "--code", "port-clash")
    yield json_of("impact", "impact", "services.loki.ports.http", *profile)
    yield json_of("kind", "kind", "show", "loki")
    yield json_of("fmt", "fmt", "--check")
    yield json_of("pin", "pin", "--check", codes=(0, 1))
    yield json_of("verify", "verify", *profile, codes=(0, 1, 3))
    yield json_of("findings", "dev", "doctor", *profile, codes=(0, 1))
    yield json_of("findings", "dev", "env", "check", *profile, codes=(0, 1))
    spec = folder / "spec/stack.toml"
    text = spec.read_text()
    spec.write_text(text.replace("ports.http = 3100\n", "ports.http   = 3101\n", 1))
    yield json_of("check", "check", codes=(1,))
    yield json_of("check", "check", "--stat", codes=(1,))
    yield json_of("explain", "explain", f"{compose}:1", codes=(0, 1))
    yield json_of("review", "review", codes=(0, 1))
    yield json_of("fmt", "fmt", "--check", codes=(1,))
    spec.write_text(f"{text}\n[servicess.x]\n")
    yield json_of("check-all", "check", "--all", codes=(2,))
    for arguments in (["check"], ["review"], ["graph"], ["list", "services"], ["impact", "stack.name"], ["verify"]):
        yield json_of("diagnostics", *arguments, codes=(2,))
    spec.write_text("[stack\n")
    for arguments in (["fmt", "--check"], ["pin", "--check"]):
        yield json_of("diagnostics", *arguments, codes=(2,))
    spec.write_text(text)


def check(folder):
    schema = json.loads(run(folder, "schema", "report"))
    jsonschema.Draft202012Validator.check_schema(schema)
    names = {part["$ref"].removeprefix("#/$defs/") for part in schema["anyOf"]}
    known = strict(schema["$defs"])
    seen = set()
    for name, text in reports(folder):
        jsonschema.validate(json.loads(text), {"$ref": f"#/$defs/{name}", "$defs": known}, jsonschema.Draft202012Validator)
        seen.add(name)
    # It needs an engine.
    missing = names - seen - {"ps"}
    assert not missing, f"no report of {missing}"
    print(f"reports: {len(seen)} are as their schema says")


async def ask(folder, mode):
    server = StdioServerParameters(command=str(gen), args=["mcp"], cwd=str(folder))
    async with mcp.Client(server, mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["list", "explain", "impact", "check", "review", "model", "diagnostics"], names
        for name, arguments in (
            ("list", {"what": "services"}),
            ("explain", {"code": "port-clash"}),
            ("impact", {"key": "services.loki.ports.http"}),
            ("check", {}),
            ("review", {}),
            ("model", {"profile": "dev"}),
            ("diagnostics", {}),
        ):
            result = await client.call_tool(name, arguments)
            assert not result.is_error and result.structured_content["version"] == 1, (name, result)
        print(f"mcp: {len(names)} tools answer {client.protocol_version}")


with tempfile.TemporaryDirectory() as temporary:
    root = project(pathlib.Path(temporary))
    check(root)
    # The newest version of the protocol, and one that begins with `initialize`.
    for mode in ("auto", "legacy"):
        anyio.run(ask, root, mode)
