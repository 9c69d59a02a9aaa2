use super::*;

fn parse(name: &str, value: &str) -> Result<TopicConfig, TopicConfigError> {
    TopicConfig::parse([(name.to_owned(), value.to_owned())])
}

#[test]
fn settings_take_effect_or_are_refused() {
    let cases = [
        ("max.message.bytes", "2000", true),
        ("max.message.bytes", "-1", false),
        ("segment.bytes", "12", false),
        ("retention.ms", "-1", true),
        ("retention.ms", "-2", false),
        ("retention.ms", "soon", false),
        ("cleanup.policy", "delete", true),
        ("cleanup.policy", "compact, delete", true),
        ("cleanup.policy", "", false),
        ("cleanup.policy", "forget", false),
        ("message.timestamp.type", "LogAppendTime", true),
        ("message.timestamp.type", "logappendtime", false),
        ("min.cleanable.dirty.ratio", "0.01", true),
        ("min.cleanable.dirty.ratio", "1.5", false),
        ("min.insync.replicas", "2", false),
        ("compression.type", "zstd", true),
        ("compression.type", "brotli", false),
        ("no.such.setting", "1", false),
    ];
    for (name, value, accepted) in cases {
        let parsed = parse(name, value);
        assert_eq!(parsed.is_ok(), accepted, "{name}={value}: {parsed:?}");
    }
}

#[test]
fn every_default_is_one_that_is_taken_and_names_are_in_order() {
    for setting in SETTINGS {
        assert_eq!(check(setting.name, setting.default), Ok(()), "{}", setting.name);
    }
    assert!(SETTINGS.is_sorted_by_key(|setting| setting.name));
}

#[test]
fn the_broker_decides_what_the_topic_leaves_open() {
    let broker = BrokerConfig::new(([127, 0, 0, 1], 0).into(), "unused");
    let open = TopicConfig::default();
    assert_eq!(open.max_message_bytes(&broker), broker.max_message_bytes);
    assert_eq!(open.log_config(&broker).segment_bytes, broker.segment_bytes);
    let own = parse("max.message.bytes", "77").expect("valid");
    assert_eq!(own.max_message_bytes(&broker), 77);
    let known = own.known(&broker);
    let one = known.iter().find(|known| known.name == "max.message.bytes");
    let one = one.expect("known");
    assert_eq!((&*one.value, &*one.default, one.is_set), ("77", "1048588", true));
}

#[test]
fn settings_are_changed_one_by_one_or_not_at_all() {
    let mut config = TopicConfig::default();
    config.append("cleanup.policy", "compact").expect("a list");
    assert_eq!(
        config.given().collect::<Vec<_>>(),
        [("cleanup.policy", "delete,compact")]
    );
    config.subtract("cleanup.policy", "delete").expect("a list");
    assert_eq!(
        config.given().collect::<Vec<_>>(),
        [("cleanup.policy", "compact")]
    );
    assert!(config.subtract("cleanup.policy", "compact").is_err());
    assert!(config.append("retention.ms", "1").is_err());
    config.set("max.compaction.lag.ms", "10").expect("valid");
    let refused = config.set("min.compaction.lag.ms", "11");
    assert_eq!(refused, Err(TopicConfigError::Lags { min: 11, max: 10 }));
    assert_eq!(config.given().count(), 2, "nothing has changed");
}
