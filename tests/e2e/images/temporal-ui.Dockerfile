# Not the UI: something that is healthy as it would be.
FROM scratch
COPY small /
RUN mkdir /www && echo ok > /www/healthz
ENTRYPOINT ["busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
