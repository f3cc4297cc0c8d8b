#!/usr/bin/env python3
"""Imports every dashboard of a folder with `gen`, renders it, and counts what fails by cause.

    tests/corpus/dashboards.py FOLDER GEN

dashboards.tsv lists the files: repository, path, commit. dashboards.toml is a stack with the datasources that they ask.
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from fetch import rows

HERE = pathlib.Path(__file__).parent
ROWS = rows("dashboards.tsv")


def run(folder, gen):
    causes = collections.Counter()
    for repository, path, _ in ROWS:
        with tempfile.TemporaryDirectory() as project:
            spec = pathlib.Path(project, "spec")
            (spec / "dashboards").mkdir(parents=True)
            (spec / "stack.toml").write_text((HERE / "dashboards.toml").read_text())
            output = ["--folder", "main", "--output", "spec/dashboards/imported.toml"]
            commands = [["import", "dashboard", str(folder / repository / path), *output], ["render"]]
            for command in commands:
                ran = subprocess.run([gen, *command], cwd=project, capture_output=True, text=True)
                if ran.returncode != 0:
                    found = set(re.findall(r"error\[(.*?)\]", ran.stderr)) or {ran.stderr.strip().splitlines()[-1]}
                    causes.update(f"{command[0]}: {cause}" for cause in found)
                    print(f"{repository}/{path}: {command[0]}: {', '.join(sorted(found))}")
                    break
            else:
                causes["rendered"] += 1
    for cause, count in causes.most_common():
        print(f"{count:6} {cause}")
    return causes["rendered"] != len(ROWS)


sys.exit(run(pathlib.Path(sys.argv[1]).resolve(), os.path.abspath(sys.argv[2])))
