"""A consumer and a producer of kafka-python: python_copy.py BOOTSTRAP INPUT OUTPUT at-least-once|auto-commit"""

import signal
import sys
import time

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

bootstrap, source, target, how = sys.argv[1:5]
ending = False


def end(*_):
    global ending
    ending = True


def new_producer():
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5)


signal.signal(signal.SIGTERM, end)
consumer = KafkaConsumer(
    source,
    bootstrap_servers=bootstrap,
    group_id="python-" + source,
    isolation_level="read_committed",
    auto_offset_reset="earliest",
    enable_auto_commit=how == "auto-commit",
    auto_commit_interval_ms=500,
    session_timeout_ms=6000,
    heartbeat_interval_ms=500,
)
producer = new_producer()
while not ending:
    batches = consumer.poll(timeout_ms=200)
    if not batches:
        continue
    if how == "auto-commit":
        # The work on a batch takes a while; polls in between keep the membership, and commit what is not done.
        held = [record for batch in batches.values() for record in batch]
        until = time.monotonic() + 1
        while time.monotonic() < until and not ending:
            held += [record for batch in consumer.poll(timeout_ms=100).values() for record in batch]
        batches = {None: held}
    try:
        sent = [
            producer.send(target, record.value, record.key, headers=list(record.headers), partition=record.partition)
            for batch in batches.values()
            for record in batch
        ]
        producer.flush()
        for one in sent:
            one.get(0)
        if how == "at-least-once":
            consumer.commit()
    except KafkaError as error:
        print("again from the committed offsets after", repr(error), file=sys.stderr)
        producer.close(timeout=0)
        producer = new_producer()
        for partition in consumer.assignment():
            try:
                offset = consumer.committed(partition)
                if offset is None:
                    consumer.seek_to_beginning(partition)
                else:
                    consumer.seek(partition, offset)
            except KafkaError as unknown:
                # Whoever joins anew begins there, too.
                print("ends after", repr(unknown), file=sys.stderr)
                sys.exit(1)
producer.close(timeout=5)
consumer.close()
