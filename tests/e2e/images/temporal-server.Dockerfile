# As temporalio/server:1.31.2 is (docker/targets/server.Dockerfile of its module): no entrypoint, user 1000.
FROM scratch
COPY small /
COPY temporal-server /usr/local/bin/
COPY entrypoint.sh /etc/temporal/entrypoint.sh
WORKDIR /etc/temporal
USER 1000
CMD ["sh", "/etc/temporal/entrypoint.sh"]
