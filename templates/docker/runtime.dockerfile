# Generated from spec/stack.toml: edit that file, then run `gen render`.
# The Temporal server as the stack runs it. Build context: this folder.
FROM {= base|lit =}
COPY --chmod=0644 persistence-dsql.template.yaml /etc/temporal/config/persistence-dsql.template.yaml
COPY --chmod=0755 render-and-start.sh /etc/temporal/render-and-start.sh
USER 1000:1000
ENTRYPOINT ["/etc/temporal/render-and-start.sh"]
