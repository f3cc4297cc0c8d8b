//go:build tools

// What pretends to be the nodes, for `go mod tidy`: .ci/cluster compiles it.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
