# In place of the copilot: a worker of its task queue.
FROM gen-local/debian:1
COPY copilot.py /srv/copilot/worker.py
WORKDIR /srv
USER 1000
