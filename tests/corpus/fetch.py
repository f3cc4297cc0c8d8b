#!/usr/bin/env python3
"""Gets the files of a list from GitHub: `tests/corpus/fetch.py LIST.tsv FOLDER` writes <repository>/<path> in the folder."""

import pathlib
import sys
import urllib.parse
import urllib.request


def rows(name):
    lines = pathlib.Path(__file__).with_name(name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


if __name__ == "__main__":
    for repository, path, commit in rows(pathlib.Path(sys.argv[1]).name):
        file = pathlib.Path(sys.argv[2]) / repository / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            path = urllib.parse.quote(path)
            with urllib.request.urlopen(f"https://raw.githubusercontent.com/{repository}/{commit}/{path}") as answer:
                file.write_bytes(answer.read())
