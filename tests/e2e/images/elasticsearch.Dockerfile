# OpenSearch, in the places and with the settings of Elasticsearch's image.
FROM gen-local/debian:1
COPY lib /usr/share/elasticsearch/lib
COPY classes /usr/share/elasticsearch/classes
RUN useradd --uid 1000 --no-create-home elasticsearch && mkdir /usr/share/elasticsearch/data && \
  chown -R elasticsearch /usr/share/elasticsearch
WORKDIR /usr/share/elasticsearch
USER 1000
ENTRYPOINT ["sh", "-c", "exec java ${ES_JAVA_OPTS:-} -cp 'classes:lib/*' Node"]
