"""Writes schemas for kubeconform, from the API's own description: schemas.py SWAGGER FOLDER.

A file per kind, with all that it refers to. Stricter than the description: no unknown properties, no nulls, and what
the description only says with its own `x-kubernetes-…` and `format`.
"""

import json
import pathlib
import re
import sys

# The API takes numbers for these, though the description calls them strings.
EITHER = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"],
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["string", "integer"],
}
PREFIX = "#/definitions/"


def strict(schema):
    """The schema with what it leaves open closed."""
    schema = dict(schema)
    kind, form = schema.get("type"), schema.pop("format", None)
    if form == "int-or-string":
        schema["type"] = ["string", "integer"]
    elif form in ("int32", "int64"):
        limit = 2 ** (int(form[3:]) - 1)
        schema |= {"minimum": -limit, "maximum": limit - 1}
    elif form == "byte":
        schema["pattern"] = "^[A-Za-z0-9+/]*={0,2}$"
    elif form == "date-time":
        schema["pattern"] = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"
    if schema.get("x-kubernetes-list-type") == "set":
        schema["uniqueItems"] = True
    if "properties" in schema:
        # Not into `properties` itself: a property can have any name, also that of a keyword.
        schema["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        schema.setdefault("additionalProperties", False)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            schema[keyword] = strict(schema[keyword])
    assert kind != "array" or "items" in schema, schema
    return {name: value for name, value in schema.items() if not name.startswith("x-kubernetes-")}


def references(schema):
    """The names of the definitions that the schema refers to itself."""
    return set(re.findall(f'"\\$ref": "{PREFIX}([^"]+)"', json.dumps(schema)))


def main(swagger, folder):
    described = json.loads(pathlib.Path(swagger).read_text(encoding="utf-8"))["definitions"]
    definitions = {name: strict(schema) for name, schema in described.items()}
    for name, types in EITHER.items():
        definitions[name] = {"type": types}
    refers = {name: references(schema) for name, schema in definitions.items()}
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, schema in definitions.items():
        versions = described[name].get("x-kubernetes-group-version-kind", [])
        # Those with several are what requests have, as DeleteOptions: not in files.
        if len(versions) != 1 or versions[0]["kind"].endswith("List"):
            continue
        needed, found = set(), {name}
        while found:
            needed |= found
            found = set().union(*(refers[other] for other in found)) - needed
        group, version, kind = (versions[0][key] for key in ("group", "version", "kind"))
        api = f"{group}/{version}" if group else version
        schema = schema | {
            "$schema": "http://json-schema.org/draft-07/schema#",
            # Without them kubectl cannot tell what it is.
            "required": sorted({*schema.get("required", []), "apiVersion", "kind"}),
            "properties": schema["properties"] | {"apiVersion": {"const": api}, "kind": {"const": kind}},
            "definitions": {other: definitions[other] for other in sorted(needed)},
        }
        parts = [kind, group.split(".")[0], version] if group else [kind, version]
        file = folder / ("-".join(parts).lower() + ".json")
        assert not file.exists(), f"two kinds in {file}"
        file.write_text(json.dumps(schema, separators=(",", ":")), encoding="utf-8")
        count += 1
    if count < 50:
        sys.exit(f"only {count} kinds in {swagger}")


if __name__ == "__main__":
    main(*sys.argv[1:])
