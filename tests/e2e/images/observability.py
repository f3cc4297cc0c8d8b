"""What Alloy, Mimir, Loki and Grafana are started with, for the programs that stand in for them.

    run --server.http.listen-addr=ADDRESS --storage.path=FOLDER … FILE     Prometheus: scrapes what Alloy's FILE lists
    -config.file=…/mimir.yaml                                              Prometheus: takes what it sends
    -config.file=…/loki.yaml, nothing                                      an HTTP server that answers 200
"""

import http.server
import json
import os
import re
import sys


def prometheus(config, address, storage, *options):
    # JSON is YAML.
    with open("/tmp/prometheus.yml", "w") as file:
        json.dump(config, file)
    files = ["--config.file=/tmp/prometheus.yml", f"--storage.tsdb.path={storage}"]
    os.execvp("prometheus", ["prometheus", *files, f"--web.listen-address={address}", *options])


def scrapes(text):
    """The jobs of a configuration of Alloy in Prometheus' words. A target's labels are those of the file."""
    for name, block in re.findall(r'^prometheus\.scrape "([^"]+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        targets = [dict(re.findall(r'"([^"]+)"\s*=\s*"([^"]*)"', line)) for line in re.findall(r"\{(.*)\}", block)]
        static = [{"targets": [target.pop("__address__")], "labels": target} for target in targets]
        keys = re.findall(r'^\t(scrape_interval|scrape_timeout|metrics_path)\s*=\s*"([^"]+)"', block, re.MULTILINE)
        yield {"job_name": name, "static_configs": static, **dict(keys)}


def alloy(options, file):
    text = open(file).read()
    urls = re.findall(r'^prometheus\.remote_write .*?url\s*=\s*"([^"]+)"', text, re.MULTILINE | re.DOTALL)
    # Where Prometheus takes what Mimir takes at its own path.
    writes = [{"url": url.replace("/api/v1/push", "/prometheus/api/v1/write")} for url in urls]
    config = {"scrape_configs": list(scrapes(text)), "remote_write": writes}
    prometheus(config, options["--server.http.listen-addr"], options["--storage.path"])


def port(file, key):
    return int(re.search(rf"^\s*{key}:\s*(\d+)", open(file).read(), re.MULTILINE).group(1))


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


match sys.argv[1:]:
    case ["run", *options, file]:
        alloy(dict(option.split("=", 1) for option in options if "=" in option), file)
    case [option] if option.endswith("/mimir.yaml"):
        address = f"0.0.0.0:{port(option.split('=')[1], 'http_listen_port')}"
        prometheus({}, address, "/tmp/data", "--web.enable-remote-write-receiver", "--web.route-prefix=/prometheus")
    case [option]:
        http.server.HTTPServer(("0.0.0.0", port(option.split("=")[1], "http_listen_port")), Healthy).serve_forever()
    case []:
        http.server.HTTPServer(("0.0.0.0", 3000), Healthy).serve_forever()
