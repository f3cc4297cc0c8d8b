# Prometheus for Alloy and Mimir; for Loki and Grafana something that is healthy as they would be.
FROM gen-local/debian:1
COPY observability.py /usr/local/bin/
RUN printf '#!/bin/sh\nexec curl -fsS -o /dev/null http://127.0.0.1:3100/ready\n' > /usr/bin/loki && chmod +x /usr/bin/loki && \
  mkdir -p /data /loki /var/lib/alloy/data /var/lib/grafana
ENTRYPOINT ["python3", "/usr/local/bin/observability.py"]
