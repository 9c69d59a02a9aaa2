import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringSerializer;

/** Commits a transaction, begins a second one, and aborts that when it is told to by a file. */
class LateCommit {
    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        Path go = Path.of(arguments[2]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("transactional.id", topic);
        settings.put("request.timeout.ms", "2000");
        settings.put("retry.backoff.ms", "50");
        settings.put("reconnect.backoff.ms", "20");
        StringSerializer text = new StringSerializer();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, text, text)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "first")).get();
            producer.commitTransaction();
            System.out.println("committed the first");
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "second")).get();
            while (!Files.exists(go)) {
                Thread.sleep(10);
            }
            try {
                producer.abortTransaction();
                System.out.println("aborted the second");
            } catch (KafkaException error) {
                System.out.println("not aborted: " + error.getClass().getSimpleName());
            }
        }
    }
}
