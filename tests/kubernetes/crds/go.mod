module kubernetes/crds

go 1.26

require (
	github.com/external-secrets/external-secrets v0.16.2
	sigs.k8s.io/gateway-api v1.6.3
)
