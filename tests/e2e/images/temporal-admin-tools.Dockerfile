# As temporalio/admin-tools:1.31.2 is (docker/targets/admin-tools.Dockerfile of the server's module).
FROM scratch
COPY small /
COPY temporal temporal-sql-tool temporal-elasticsearch-tool /usr/local/bin/
COPY schema /etc/temporal/schema
USER 1000
CMD ["sh", "-c", "trap exit INT HUP TERM; sleep infinity"]
