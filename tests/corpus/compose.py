#!/usr/bin/env python3
"""Imports every Compose file of a folder with `gen`, renders it, and compares what Compose makes of both.

    tests/corpus/compose.py FOLDER GEN DOCKER_COMPOSE [STEP]

compose.tsv lists the files: repository, path, commit. Of every STEP files, one is tried. Files that are not in the folder, and
those that Compose refuses without others of their repository, are left out.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from fetch import rows

COMPOSE = os.path.abspath(sys.argv[3])
GEN = os.path.abspath(sys.argv[2])


def run(folder, *command):
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)


def without_empty(value):
    if isinstance(value, dict):
        entries = {key: without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in entries.items() if inner not in ({}, [], None)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


def config(project, file):
    ran = run(project, COMPOSE, "--env-file", ".env", "--profile", "*", "-f", file, "config", "--format", "json")
    if ran.returncode != 0:
        return None
    whole = json.loads(ran.stdout.replace(str(project), "/project"))
    return without_empty({key: value for key, value in whole.items() if not key.startswith("x-")})


def differing(before, after, path=""):
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [] if before == after else [path]
    keys = sorted({*before, *after})
    return [found for key in keys for found in differing(before.get(key), after.get(key), f"{path}.{key}")]


def outcome(file):
    if not file.exists():
        return "left out", ""
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder).resolve() / "project"
        shutil.copytree(file.parent, project, symlinks=True, ignore=shutil.ignore_patterns(".git", "spec", "generated"))
        (project / ".env").touch()
        before = config(project, file.name)
        if before is None:
            return "left out", ""
        (project / "spec").mkdir()
        ran = run(project, GEN, "import", "compose", file.name, "--output", "spec/stack.toml")
        if ran.returncode != 0:
            lost = re.findall(r"not converted: (.*)", ran.stderr) or [ran.stderr.strip()]
            return "import: " + re.sub("`[^`]*`", "`…`", lost[0])[:90], lost[0]
        ran = run(project, GEN, "render")
        if ran.returncode != 0:
            return "render", ran.stderr.strip()
        after = config(project, "generated/dev/docker-compose.yml")
        if after is None:
            return "Compose refuses the rendered file", ""
        found = differing(before, after)
        return ("differs", ", ".join(found)) if found else ("same", "")


counts = collections.Counter()
for repository, path, _ in rows("compose.tsv")[:: int((sys.argv[4:] or ["1"])[0])]:
    cause, detail = outcome(pathlib.Path(sys.argv[1]).resolve() / repository / path)
    counts[cause] += 1
    if cause not in ("same", "left out"):
        print(f"{repository}/{path}: {cause}: {detail}")
for cause, count in counts.most_common():
    print(f"{count:6} {cause}")
sys.exit(counts["same"] + counts["left out"] != counts.total())
