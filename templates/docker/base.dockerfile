# Generated from spec/stack.toml: edit that file, then run `gen render`.
# The Temporal server with the DSQL plugin. `gen dev build` builds it, from the source tree of temporal-dsql and with the
# version of Go in its go.mod.
ARG GO_VERSION

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ENV CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH}
RUN go build -trimpath -tags disable_grpc_modules -o /out/temporal-server ./cmd/server \
 && go build -trimpath -tags disable_grpc_modules -o /out/temporal-dsql-tool ./cmd/tools/dsql

FROM {= base|lit =}
# Any user may run it: one that the image doesn't know is in the group `root`, which can write the configuration.
# Alpine keeps one version of a package: a pin would break the build with its next update.
# hadolint ignore=DL3018
RUN apk add --no-cache bash ca-certificates curl python3 tzdata \
 && addgroup -g 1000 temporal \
 && adduser -u 1000 -G temporal -D temporal \
 && mkdir -p /etc/temporal/config \
 && chown -R temporal:root /etc/temporal \
 && chmod -R g=u /etc/temporal
COPY --from=build /out/ /usr/local/bin/
ENV TEMPORAL_HOME=/etc/temporal
WORKDIR /etc/temporal
RUN printf '%s\n' '#!/bin/sh' 'exec /usr/local/bin/temporal-server "$@"' > /etc/temporal/entrypoint.sh \
 && chmod 0755 /etc/temporal/entrypoint.sh
USER 1000:1000
ENTRYPOINT ["/etc/temporal/entrypoint.sh"]
