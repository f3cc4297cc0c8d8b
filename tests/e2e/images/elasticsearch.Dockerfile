# OpenSearch, in the places and with the settings of Elasticsearch's image.
FROM gen-local/debian:1
COPY java /usr/share/elasticsearch/jdk
COPY lib /usr/share/elasticsearch/lib
COPY classes /usr/share/elasticsearch/classes
RUN useradd --uid 1000 --no-create-home elasticsearch && mkdir /usr/share/elasticsearch/data && \
  chown elasticsearch /usr/share/elasticsearch /usr/share/elasticsearch/data
WORKDIR /usr/share/elasticsearch
USER 1000
# Debian's sh drops variables with a dot in their names.
ENTRYPOINT ["bash", "-c", "exec jdk/bin/java ${ES_JAVA_OPTS:-} -cp 'classes:lib/*' Node"]
