// Command dynamic-config-keys prints the key of each dynamic configuration setting that the pinned
// Temporal server registers, a tab and the kind of its value, a line for each; if the oldest release that
// forks are based on lacks it, another tab and the release with which it came.
//
//	dynamic-config-keys > src/resolve/kinds/temporal_dynamic_config.tsv
//	dynamic-config-keys --check src/resolve/kinds/temporal_dynamic_config.tsv
//
// Which settings there are and what they hold is asked of the server's own registry. It keeps keys in
// lower case (the server looks them up so), so their spelling is looked up in the sources, which Go
// keeps in its module cache.
package main

import (
	"os"

	// Links every package that the server does, and so registers every setting.
	_ "go.temporal.io/server/temporal"

	"consumers/temporal/keys"
)

func main() {
	os.Exit(keys.Main(os.Args[1:], os.Stdout, os.Stderr))
}
