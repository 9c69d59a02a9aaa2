"""A pipeline for the linter: pipeline.py PART [NAME=VALUE ...]; connects to BOOTSTRAP_SERVERS."""

import os
import sys
import time
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

PATIENCE = 40
part = sys.argv[1]
settings = dict(argument.split("=", 1) for argument in sys.argv[2:])
bootstrap = os.environ["BOOTSTRAP_SERVERS"]
topic = settings["topic"]


def producer(**more):
    acks = {"0": 0, "1": 1, "all": "all"}[settings.get("acks", "all")]
    more.setdefault("enable_idempotence", settings.get("idempotent", "yes") == "yes")
    return KafkaProducer(bootstrap_servers=bootstrap, acks=acks, linger_ms=0, **more)


def write(count=20):
    out = producer()
    for n in range(count):
        out.send(topic, f"a value that is {n}".encode(), f"key-{n}".encode())
        if settings.get("wait", "yes") == "yes":
            out.flush()
    out.flush()
    out.close()


def consumer(**more):
    more.setdefault("enable_auto_commit", False)
    return KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=settings.get("group", topic),
        auto_offset_reset="earliest",
        isolation_level=settings.get("isolation", "read_committed"),
        **more,
    )


def poll(source, count):
    records, end = [], time.monotonic() + PATIENCE
    while len(records) < count:
        if time.monotonic() > end:
            sys.exit(f"{len(records)} of {count} records")
        for batch in source.poll(timeout_ms=200).values():
            records.extend(batch)
    return records


def copy():
    source, out = consumer(), producer()
    records = poll(source, int(settings.get("count", "20")))
    if settings["commit"] == "first":
        source.commit()
    for record in records:
        out.send(topic + "-copy", record.value, record.key)
    out.flush()
    if settings["commit"] == "last":
        source.commit()
    source.close()
    out.close()


def read():
    source = consumer()
    poll(source, int(settings.get("count", "20")))
    source.commit()
    source.close()


def auto():
    interval = int(settings.get("interval", "1000"))
    source, out = consumer(enable_auto_commit=True, auto_commit_interval_ms=interval), producer()
    end = time.monotonic() + 7
    n = 0
    while time.monotonic() < end:
        out.send(topic, f"a value that is {n}".encode()).get()
        n += 1
        source.poll(timeout_ms=50)
    source.close()
    out.close()


def transact():
    name = settings.get("id", topic)
    name = str(uuid.uuid4()) if name == "random" else name
    out = producer(transactional_id=name)
    out.init_transactions()
    for n in range(3):
        out.begin_transaction()
        out.send(topic, f"a value of {n} in a transaction".encode(), f"key-{n}".encode())
        out.flush()
        time.sleep(float(settings.get("lasts", "0")))
        if settings.get("end", "commit") == "commit":
            out.commit_transaction()
        else:
            out.abort_transaction()
    out.close()


def assign():
    source = KafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False)
    place = TopicPartition(topic, 0)
    source.assign([place])
    source.seek_to_beginning(place)
    poll(source, 1)
    source.commit({place: OffsetAndMetadata(1, "", -1)})
    source.close()


{
    "write": write,
    "copy": copy,
    "read": read,
    "auto": auto,
    "transact": transact,
    "assign": assign,
}[part]()
