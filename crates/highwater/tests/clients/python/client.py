"""What kafka-python is made to do: client.py BOOTSTRAP group|admin|transactions."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.structs import OffsetAndMetadata

PATIENCE = 60
bootstrap, part = sys.argv[1:]
administrator = KafkaAdminClient(bootstrap_servers=bootstrap)


def expect(found, expected):
    if found != expected:
        sys.exit(f"expected {expected!r}, found {found!r}")


def make(topic, partitions, settings=None):
    administrator.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings or {})])
    administrator.wait_for_topics([topic])


def read(consumer, count):
    """Records until there are so many."""
    records, end = [], time.monotonic() + PATIENCE
    while len(records) < count:
        if time.monotonic() > end:
            sys.exit(f"{len(records)} of {count} records")
        for batch in consumer.poll(timeout_ms=200).values():
            records.extend(batch)
    return records


def values(topic, isolation):
    """All values of a topic with one partition, up to where this isolation level sees it."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    consumer.seek_to_beginning(partition)
    records = []
    until = time.monotonic() + PATIENCE
    while consumer.position(partition) < end:
        if time.monotonic() > until:
            sys.exit(f"{topic} is not read to its end: {consumer.position(partition)} of {end}")
        for batch in consumer.poll(timeout_ms=200).values():
            records.extend(record.value.decode() for record in batch)
    consumer.close()
    return records


def group():
    topic = "python-group"
    make(topic, 2)
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type="gzip", enable_idempotence=True)
    sent = [
        producer.send(topic, f"value-{n}".encode(), f"key-{n}".encode(), [("n", str(n).encode())], partition=n % 2)
        for n in range(500)
    ]
    producer.flush(PATIENCE)
    expect([future.get().offset for future in sent], [n // 2 for n in range(500)])
    settings = {
        "bootstrap_servers": bootstrap,
        "group_id": topic,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
    }
    first = KafkaConsumer(topic, **settings)
    records = read(first, 500)
    expect(
        sorted((int(r.headers[0][1]), r.key.decode(), r.value.decode()) for r in records),
        [(n, f"key-{n}", f"value-{n}") for n in range(500)],
    )
    first.commit()
    first.close()
    producer.send(topic, b"one more", partition=1).get(PATIENCE)
    second = KafkaConsumer(topic, **settings)
    expect([(r.partition, r.offset, r.value) for r in read(second, 1)], [(1, 250, b"one more")])
    expect(second.committed(TopicPartition(topic, 0)), 250)
    second.close()
    producer.close()


def admin():
    topic = "python-admin"
    make(topic, 1, {"retention.ms": "123456789"})
    administrator.create_partitions({topic: 3})
    administrator.wait_for_topics([topic])
    described = administrator.describe_topics([topic])[0]
    expect(len(described["partitions"]), 3)
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    print(administrator.describe_configs([resource]))
    expect("123456789" in str(administrator.describe_configs([resource])), True)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for n in range(10):
        producer.send(topic, b"x", partition=0)
    producer.flush(PATIENCE)
    producer.close()
    partition = TopicPartition(topic, 0)
    administrator.delete_records({partition: 4})
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False)
    expect(consumer.beginning_offsets([partition]), {partition: 4})
    expect(consumer.end_offsets([partition]), {partition: 10})
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(7, "seven", -1)})
    consumer.close()
    expect(topic in str(administrator.list_groups()), True)
    print(administrator.list_group_offsets({topic: None}))
    administrator.delete_groups([topic])
    expect(topic in str(administrator.list_groups()), False)
    administrator.delete_topics([topic])
    expect(topic in administrator.list_topics(), False)


def transactions():
    topic = "python-transactions"
    make(topic, 1)
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic)
    producer.init_transactions()
    for n in range(6):
        producer.begin_transaction()
        for m in range(5):
            producer.send(topic, f"{n}.{m}".encode(), partition=0)
        if n % 3 == 2:
            producer.flush(PATIENCE)
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    everything = [f"{n}.{m}" for n in range(6) for m in range(5)]
    expect(values(topic, "read_uncommitted"), everything)
    expect(values(topic, "read_committed"), [value for value in everything if value[0] not in "25"])
    producer.begin_transaction()
    offsets = {TopicPartition(topic, 0): OffsetAndMetadata(11, "", -1)}
    group = KafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False)
    producer.send_offsets_to_transaction(offsets, group.config["group_id"])
    producer.commit_transaction()
    expect(group.committed(TopicPartition(topic, 0)), 11)
    group.close()
    producer.close()


{"group": group, "admin": admin, "transactions": transactions}[part]()
administrator.close()
print("all as expected")
