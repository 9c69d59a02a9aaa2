#!/usr/bin/env bash
# Kafka Connect with Kafka's own connectors for files: a topic into a file, the file into another topic.
# Connect's producers are not idempotent unless told to be, and a lost answer would be written twice.
# file-connectors.sh BOOTSTRAP INPUT OUTPUT FOLDER; Kafka's jars in CLASSPATH.
set -euo pipefail
bootstrap=$1 input=$2 output=$3 folder=$4
mkdir -p "$folder"
touch "$folder/through.txt"
cat > "$folder/worker.properties" <<PROPERTIES
bootstrap.servers=$bootstrap
listeners=http://127.0.0.1:0
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=$folder/offsets
offset.flush.interval.ms=1000
plugin.discovery=only_scan
producer.enable.idempotence=true
consumer.session.timeout.ms=6000
consumer.heartbeat.interval.ms=500
consumer.auto.offset.reset=earliest
consumer.isolation.level=read_committed
PROPERTIES
cat > "$folder/sink.properties" <<PROPERTIES
name=sink-$input
connector.class=org.apache.kafka.connect.file.FileStreamSinkConnector
tasks.max=1
topics=$input
file=$folder/through.txt
PROPERTIES
cat > "$folder/source.properties" <<PROPERTIES
name=source-$input
connector.class=org.apache.kafka.connect.file.FileStreamSourceConnector
tasks.max=1
topic=$output
file=$folder/through.txt
PROPERTIES
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xmx256m \
  org.apache.kafka.connect.cli.ConnectStandalone \
  "$folder/worker.properties" "$folder/sink.properties" "$folder/source.properties"
