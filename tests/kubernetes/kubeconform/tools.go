//go:build tools

// The checker of manifests, for `go mod tidy`: .ci/cluster compiles it.
package tools

import _ "github.com/yannh/kubeconform/cmd/kubeconform"
