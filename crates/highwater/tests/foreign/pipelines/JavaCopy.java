// A consumer and a transactional producer of the Java client, as its documentation shows them. Arguments: bootstrap,
// input, output, instance.

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApplicationRecoverableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class JavaCopy {
    private static final AtomicBoolean ENDING = new AtomicBoolean();

    public static void main(String[] arguments) throws InterruptedException {
        String input = arguments[1];
        String output = arguments[2];
        Properties reading = new Properties();
        reading.put("bootstrap.servers", arguments[0]);
        reading.put("group.id", "java-" + input);
        reading.put("isolation.level", "read_committed");
        reading.put("auto.offset.reset", "earliest");
        reading.put("enable.auto.commit", "false");
        reading.put("session.timeout.ms", "6000");
        reading.put("heartbeat.interval.ms", "500");
        Properties writing = new Properties();
        writing.put("bootstrap.servers", arguments[0]);
        writing.put("transactional.id", "java-" + input + "-" + arguments[3]);
        writing.put("transaction.timeout.ms", "10000");
        // An answer that is lost is missed soon.
        writing.put("request.timeout.ms", "6000");
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            ENDING.set(true);
            try {
                main.join(8000);
            } catch (InterruptedException late) {
                Thread.currentThread().interrupt();
            }
        }));
        KafkaConsumer<byte[], byte[]> consumer =
            new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(input));
        KafkaProducer<byte[], byte[]> producer = null;
        while (!ENDING.get()) {
            try {
                if (producer == null) {
                    producer = new KafkaProducer<>(writing, new ByteArraySerializer(), new ByteArraySerializer());
                    producer.initTransactions();
                    toCommitted(consumer);
                }
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
                if (!records.isEmpty()) {
                    copy(consumer, producer, records, output);
                }
            } catch (ApplicationRecoverableException | TimeoutException over) {
                System.err.println("a new producer after: " + over);
                close(producer);
                producer = null;
            } catch (KafkaException error) {
                System.err.println("aborts after: " + error);
                try {
                    producer.abortTransaction();
                    toCommitted(consumer);
                } catch (KafkaException worse) {
                    System.err.println("a new producer after: " + worse);
                    close(producer);
                    producer = null;
                }
            }
        }
        close(producer);
        consumer.close();
    }

    private static void copy(KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer,
                             ConsumerRecords<byte[], byte[]> records, String output) {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        producer.beginTransaction();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            producer.send(new ProducerRecord<>(output, null, record.timestamp(), record.key(), record.value(), record.headers()));
            next.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
        producer.commitTransaction();
    }

    private static void toCommitted(KafkaConsumer<byte[], byte[]> consumer) {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        committed.forEach((partition, offset) -> {
            if (offset == null) {
                consumer.seekToBeginning(List.of(partition));
            } else {
                consumer.seek(partition, offset);
            }
        });
    }

    private static void close(KafkaProducer<byte[], byte[]> producer) {
        if (producer != null) {
            producer.close(Duration.ofSeconds(2));
        }
    }
}
