package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const good = `// A comment.
logging {
	level  = "info"
	format = "logfmt"
}

prometheus.scrape "services" {
	targets = [
		{"__address__" = "loki:3100", "job" = "loki"},
		{"__address__" = "grafana:3000", "job" = "grafana", "__metrics_path__" = "/metrics"},
	]
	forward_to      = [prometheus.remote_write.metrics.receiver]
	scrape_interval = "15s"
	scrape_timeout  = "10s"
}

prometheus.remote_write "metrics" {
	endpoint {
		url = "http://mimir:9009/api/v1/push"
	}
}

discovery.docker "containers" {
	host             = "unix:///var/run/docker.sock"
	refresh_interval = "10s"

	filter {
		name   = "label"
		values = ["com.docker.compose.project=dev"]
	}
}

discovery.relabel "containers" {
	targets = []

	rule {
		source_labels = ["__meta_docker_container_name"]
		regex         = "/(.*)"
		target_label  = "container"
	}

	rule {
		source_labels = ["__meta_docker_container_label_com_docker_compose_service"]
		target_label  = "service"
	}

	rule {
		source_labels = ["__meta_docker_container_label_com_docker_compose_service"]
		target_label  = "job"
	}
}

loki.source.docker "containers" {
	host          = "unix:///var/run/docker.sock"
	targets       = discovery.docker.containers.targets
	relabel_rules = discovery.relabel.containers.rules
	forward_to    = [loki.write.logs.receiver]
}

loki.write "logs" {
	endpoint {
		url = "http://loki:3100/loki/api/v1/push"
	}
}
`

// In Kubernetes.
const pods = `discovery.kubernetes "pods" {
	role = "pod"

	namespaces {
		own_namespace = true
	}

	selectors {
		role  = "pod"
		label = "app.kubernetes.io/part-of=dev"
	}
}

loki.source.kubernetes "pods" {
	targets    = discovery.kubernetes.pods.targets
	forward_to = [loki.write.logs.receiver]
}

loki.write "logs" {
	endpoint {
		url = "http://loki:3100/loki/api/v1/push"
	}
}
`

// call runs a command on a file, and gives what it prints without the folder's name.
func call(t *testing.T, text string, arguments ...string) (int, string, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.alloy")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	code := run(append(arguments, path), strings.NewReader(text), &stdout, &stderr)
	return code, stdout.String(), strings.ReplaceAll(stderr.String(), filepath.Dir(path)+"/", "")
}

func TestGoodFile(t *testing.T) {
	for _, text := range []string{good, pods} {
		for _, arguments := range [][]string{{"validate"}, {"fmt", "-t"}} {
			if code, stdout, stderr := call(t, text, arguments...); code != 0 || stdout != "" || stderr != "" {
				t.Errorf("%v: %d, %q, %q", arguments, code, stdout, stderr)
			}
		}
	}
}

func TestGoodFileInOtherWays(t *testing.T) {
	for _, change := range [][2]string{
		{`level  = "info"`, `level  = "in" + "fo"`},
		// Alloy makes strings of numbers by itself.
		{`level  = "info"`, `level  = 5`},
		{`level  = "info"`, `level  = coalesce("", constants.os)`},
		{`level  = "info"`, "level  = \"info\"\n\twrite_to = [loki.write.logs.receiver]"},
		{"targets = []", "targets = concat(discovery.docker.containers.targets, discovery.docker.containers.targets)"},
		{`url = "http://mimir`, "queue_config {\n\t\t\tcapacity = 1\n\t\t}\n\t\turl = \"http://mimir"},
		// Nothing is known of what stands in it.
		{`url = "http://mimir`, "sigv4 {\n\t\t\tanything = 1\n\t\t}\n\t\turl = \"http://mimir"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Errorf("%q is not in the file", change[0])
		}
		if code, _, stderr := call(t, text, "validate"); code != 0 {
			t.Errorf("%q: %d, %s", change[1], code, stderr)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, test := range []struct {
		name, old, replacement string
		// Each finding, without the lines of the file that it shows.
		want []string
	}{
		{"unknown component", `discovery.relabel "containers"`, `discovery.relable "containers"`, []string{
			`33:1: cannot find the definition of component name "discovery.relable"`,
			`56:18: component "discovery.relabel.containers.rules" does not exist or is out of scope`,
		}},
		{"unknown argument", "scrape_timeout ", "scrape_timeuot ", []string{
			`14:2: unrecognized attribute name "scrape_timeuot"`,
		}},
		{"unknown argument of a block", "url = \"http://mimir", "name = \"a\"\n\t\turi = \"http://mimir", []string{
			`18:2: missing required attribute "url"`,
			`20:3: unrecognized attribute name "uri"`,
		}},
		{"argument of the file", "// A comment.", "level = 1", []string{`1:1: unrecognized attribute name "level"`}},
		{"unknown block", "rule {", "rules {", []string{`36:2: unrecognized block name "rules"`}},
		{"unknown block in a block", "url = \"http://loki", "tls {\n\t\t}\n\t\turl = \"http://loki", []string{
			`62:3: unrecognized block name "tls"`,
		}},
		{"missing argument", "\tforward_to      = [prometheus.remote_write.metrics.receiver]\n", "", []string{
			`7:1: missing required attribute "forward_to"`,
		}},
		{"missing argument of a block", "\t\tname   = \"label\"\n", "", []string{
			`27:2: missing required attribute "name"`,
		}},
		{"argument given twice", "scrape_timeout  =", "scrape_interval =", []string{
			`14:2: attribute "scrape_interval" may only be provided once`,
		}},
		{"argument as a block", `targets = []`, "targets {\n\t}", []string{
			`34:2: "targets" must be an attribute, but is used as a block`,
		}},
		{"block as an argument", "filter {\n\t\tname   = \"label\"\n\t\tvalues = [\"com.docker.compose.project=dev\"]\n\t}",
			"filter = {}", []string{`27:2: "filter" must be a block, but is used as an attribute`}},
		{"block given twice", `level  = "info"`, "level  = \"info\"\n}\n\nloki.write \"more\" {\n\twal {\n\t}\n\n\twal {\n\t}",
			[]string{`10:2: block "wal" may only be specified once`, `12:2: unrecognized attribute name "format"`}},
		{"number for a list", "targets = []", "targets = 5", []string{"34:12: 5 should be array, got number"}},
		{"number for a duration", `"15s"`, "15", []string{`13:20: 15 time: missing unit in duration "15"`}},
		{"number for a receiver", "[prometheus.remote_write.metrics.receiver]", "[5]", []string{
			"12:21: 5 should be capsule, got number",
		}},
		{"string for a list", `["com.docker.compose.project=dev"]`, `"com.docker.compose.project=dev"`, []string{
			`29:12: "com.docker.compose.project=dev" should be array, got string`,
		}},
		{"string for a map", `{"__address__" = "loki:3100", "job" = "loki"}`, `"loki:3100"`, []string{
			`9:3: "loki:3100" should be object, got string`,
		}},
		{"string for a bool", `"10s"`, "\"10s\"\n\thonor_labels    = \"yes\"", []string{
			`15:20: "yes" should be bool, got string`,
		}},
		{"string for a number", `"10s"`, "\"10s\"\n\tsample_limit    = \"many\"", []string{
			`15:20: "many" should be number, got string`,
		}},
		{"list for a string", `"info"`, `["info"]`, []string{`3:11: ["info"] should be string, got array`}},
		{"no duration", `"15s"`, `"soon"`, []string{`13:20: "soon" time: invalid duration "soon"`}},
		{"reference to nothing", "prometheus.remote_write.metrics.receiver", "prometheus.remote_write.metric.receiver", []string{
			`12:21: component "prometheus.remote_write.metric.receiver" does not exist or is out of scope`,
		}},
		{"reference in an expression", "targets = []", "targets = concat([], (discovery.docker.others.targets))", []string{
			`34:24: component "discovery.docker.others.targets" does not exist or is out of scope`,
		}},
		{"unknown name", `"info"`, `inof`, []string{`3:11: component "inof" does not exist or is out of scope`}},
		{"unknown export", "containers.targets", "containers.target", []string{`55:46: field "target" does not exist`}},
		{"export of another kind", "loki.write.logs.receiver", "prometheus.remote_write.metrics.receiver", []string{
			`57:19: prometheus.remote_write.metrics.receiver expected capsule("main.LogsReceiver"), got capsule("main.MetricsReceiver")`,
		}},
		{"component for its export", "loki.write.logs.receiver", "loki.write.logs", []string{
			`57:19: loki.write.logs should be capsule, got object`,
		}},
		{"duplicate label", `loki.write "logs" {`, "loki.write \"logs\" {\n}\n\nloki.write \"logs\" {", []string{
			"63:1: block loki.write.logs already declared at config.alloy:60:1",
		}},
		{"duplicate block", "// A comment.", "logging {\n}\n", []string{
			"4:1: block logging already declared at config.alloy:1:1",
		}},
		{"missing label", `prometheus.remote_write "metrics"`, "prometheus.remote_write", []string{
			`12:21: component "prometheus.remote_write.metrics.receiver" does not exist or is out of scope`,
			`17:1: component "prometheus.remote_write" must have a label`,
		}},
		{"label where none belongs", "logging {", `logging "a" {`, []string{
			`2:1: block "logging" does not support specifying labels`,
		}},
		{"label of a block", "endpoint {", `endpoint "a" {`, []string{
			`18:2: block "endpoint" does not support specifying labels`,
		}},
		{"label that is no name", `loki.write "logs"`, `loki.write "lo gs"`, []string{
			`60:12: expected block label to be a valid identifier, but got "lo gs"`,
		}},
		{"broken syntax", `level  = "info"`, "level  =", []string{"4:9: expected TERMINATOR, got ="}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(good, test.old, test.replacement, 1)
			if text == good {
				t.Fatalf("%q is not in the file", test.old)
			}
			code, stdout, stderr := call(t, text, "validate")
			var found []string
			for line := range strings.Lines(stderr) {
				if message, ok := strings.CutPrefix(line, "Error: config.alloy:"); ok {
					found = append(found, strings.TrimSuffix(message, "\n"))
				}
			}
			if got, want := strings.Join(found, "\n"), strings.Join(test.want, "\n"); got != want {
				t.Errorf("found\n%s\nnot\n%s", got, want)
			}
			if code != 1 || stdout != "" || !strings.HasSuffix(stderr, "\n\nError: validation failed\n") {
				t.Errorf("%d, %q, %q", code, stdout, stderr)
			}
		})
	}
}

func TestFindingsShowTheirLines(t *testing.T) {
	_, _, stderr := call(t, "logging {\n\tlevel = \"info\"\n\tfoo   = 1\n}\n", "validate")
	want := `Error: config.alloy:3:2: unrecognized attribute name "foo"

2 |     level = "info"
3 |     foo   = 1
  |     ^^^^^^^^^
4 | }

Error: validation failed
`
	if stderr != want {
		t.Errorf("%s", stderr)
	}
}

func TestFmt(t *testing.T) {
	const untidy = "logging {\n  level = \"info\"\n    format = \"json\"\n}\n\n"
	const tidy = "logging {\n\tlevel  = \"info\"\n\tformat = \"json\"\n}\n"
	if code, stdout, stderr := call(t, untidy, "fmt", "-t"); code != 1 || stdout != "" || stderr != "Error: config.alloy is not formatted\n" {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, stderr := call(t, untidy, "fmt"); code != 0 || stdout != tidy || stderr != "" {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := call(t, "logging {", "fmt", "-t"); code != 1 || !strings.Contains(stderr, "Error: config.alloy:1:10: ") {
		t.Errorf("%d, %q", code, stderr)
	}
	var stdout, stderr strings.Builder
	if code := run([]string{"fmt", "-"}, strings.NewReader(untidy), &stdout, &stderr); code != 0 || stdout.String() != tidy {
		t.Errorf("%d, %q, %q", code, stdout.String(), stderr.String())
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		arguments []string
		code      int
		contains  string
	}{
		{[]string{"--version"}, 0, "github.com/grafana/alloy/syntax"},
		{nil, 1, "usage"},
		{[]string{"run"}, 1, "usage"},
		{[]string{"validate"}, 1, "validate takes one file"},
		{[]string{"validate", "a", "b"}, 1, "validate takes one file"},
		{[]string{"validate", "/no/such/file"}, 1, "no such file"},
		{[]string{"fmt", "-t"}, 1, "fmt takes one file"},
		{[]string{"fmt", "-t", "-w", "a"}, 1, "fmt takes one file"},
		{[]string{"fmt", "--frob", "a"}, 1, "frob"},
	} {
		var stdout, stderr strings.Builder
		code := run(test.arguments, strings.NewReader(""), &stdout, &stderr)
		if output := stdout.String() + stderr.String(); code != test.code || !strings.Contains(output, test.contains) {
			t.Errorf("%q: %d, %q", test.arguments, code, output)
		}
	}
}
