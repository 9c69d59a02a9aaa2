import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Copies records from one topic to another, a transaction for each, with their offsets. */
class MovedCoordinator {
    public static void main(String[] arguments) {
        String from = arguments[1];
        String to = arguments[2];
        int wanted = Integer.parseInt(arguments[3]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", from);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", "1");
        settings.put("transactional.id", to);
        settings.put("retry.backoff.ms", "20");
        settings.put("reconnect.backoff.ms", "20");
        StringSerializer text = new StringSerializer();
        StringDeserializer read = new StringDeserializer();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, read, read);
                KafkaProducer<String, String> producer = new KafkaProducer<>(settings, text, text)) {
            consumer.subscribe(List.of(from));
            producer.initTransactions();
            for (int done = 0; done < wanted; ) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    producer.beginTransaction();
                    producer.send(new ProducerRecord<>(to, record.value()));
                    producer.sendOffsetsToTransaction(
                            Map.of(new TopicPartition(from, 0), new OffsetAndMetadata(record.offset() + 1)),
                            consumer.groupMetadata());
                    producer.commitTransaction();
                    done++;
                }
            }
            System.out.println("copied " + wanted);
        }
    }
}
