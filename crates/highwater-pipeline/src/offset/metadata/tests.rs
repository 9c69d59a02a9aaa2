use proptest::prelude::*;

use super::*;

/// Runs in order that do not touch, from pairs of lengths.
fn runs(offset: i64, lengths: &[(u32, u32)]) -> Vec<Run> {
    let mut at = offset;
    lengths
        .iter()
        .map(|(open, done)| {
            let start = at + i64::from(*open) + 1;
            at = start + i64::from(*done) + 1;
            Run { start, end: at }
        })
        .collect()
}

#[test]
fn the_shortest_form_is_taken() {
    let cases = [
        ("one record", vec![(0, 0)], 'b'),
        ("one long run far away", vec![(100_000, 90_000)], 'r'),
        ("every other record", vec![(0, 0); 4_000], 'R'),
        (
            "no pattern",
            (0..900_u32).map(|n| (n * n % 7, n * n % 5)).collect(),
            'b',
        ),
    ];
    for (name, lengths, expected) in cases {
        let runs = runs(7, &lengths);
        let encoded = encode(7, &runs);
        let format = encoded.text.as_bytes()[PREFIX.len()];
        assert!(
            format.eq_ignore_ascii_case(&(expected as u8)) || format.is_ascii_uppercase(),
            "{name}: {}",
            format as char
        );
        assert_eq!(decode(7, &encoded.text), Ok(runs), "{name}");
        assert_eq!(encoded.left_out, 0, "{name}");
    }
}

#[test]
fn what_does_not_fit_is_left_out_from_the_top_and_told() {
    // Lengths without a pattern: nothing packs 40,000 of them into 4,096 bytes.
    let mut state = 1_u64;
    let lengths: Vec<(u32, u32)> = (0..40_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as u32 % 1_000, (state >> 20) as u32 % 1_000)
        })
        .collect();
    let runs = runs(0, &lengths);
    let encoded = encode(0, &runs);
    assert!(encoded.text.len() <= METADATA_LIMIT_BYTES);
    assert!(
        encoded.text.len() > METADATA_LIMIT_BYTES / 10 * 9,
        "{}",
        encoded.text.len()
    );
    let kept = decode(0, &encoded.text).unwrap();
    assert_eq!(kept, runs[..kept.len()]);
    let left_out: u64 = runs[kept.len()..]
        .iter()
        .map(|run| run.end.abs_diff(run.start))
        .sum();
    assert_eq!(encoded.left_out, left_out);
}

#[test]
fn metadata_of_others_is_foreign() {
    for text in [
        "AgAAAY8nR3Vk",
        "committed by hand",
        "h",
        "hw",
        "hwx",
        "{\"v\":1}",
        "нет",
        "bAAEAAQ==",
    ] {
        assert_eq!(decode(5, text), Err(MetadataError::Foreign), "{text}");
    }
}

#[test]
fn broken_metadata_is_told_from_whole() {
    let text = encode(5, &[Run { start: 9, end: 12 }]).text;
    let body = |body: &[u8], format: u8| {
        let mut bytes = body.to_vec();
        bytes.extend_from_slice(&checksum(5, format, body).to_be_bytes());
        format!("hw{}{}", format as char, BASE64.encode(bytes))
    };
    let cases = [
        ("of another offset", 6, text.clone()),
        ("cut", 5, text[..text.len() - 1].to_owned()),
        ("cut to its format", 5, text[..3].to_owned()),
        ("not base64", 5, format!("{}!!!", &text[..3])),
        ("too long", 5, format!("hwb{}", "A".repeat(METADATA_LIMIT_BYTES))),
        ("a run of nothing", 5, body(&[4, 0], b'r')),
        ("half a run", 5, body(&[4], b'r')),
        ("a number that is cut", 5, body(&[0x84], b'r')),
        ("a number that is too long", 5, body(&[0xff; 12], b'r')),
        (
            "an offset beyond all offsets",
            5,
            body(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1], b'r'),
        ),
        ("no zstd", 5, body(&[1, 2, 3], b'R')),
        (
            "a bomb",
            5,
            body(&zstd::bulk::compress(&vec![0; 1 << 20], 1).unwrap(), b'B'),
        ),
    ];
    for (name, offset, text) in cases {
        assert!(
            matches!(decode(offset, &text), Err(MetadataError::Broken(_))),
            "{name}: {text}"
        );
    }
}

#[test]
fn the_last_offset_of_all_does_not_overflow() {
    let offset = i64::MAX - 3;
    let whole = [Run {
        start: i64::MAX - 1,
        end: i64::MAX,
    }];
    assert_eq!(
        decode(offset, &encode(offset, &whole).text).as_deref(),
        Ok(&whole[..])
    );
    let mut bytes = vec![0xff];
    bytes.extend_from_slice(&checksum(offset, b'b', &[0xff]).to_be_bytes());
    let text = format!("hwb{}", BASE64.encode(bytes));
    assert!(matches!(decode(offset, &text), Err(MetadataError::Broken(_))));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        offset in 0..1_i64 << 50,
        lengths in prop::collection::vec((0..2_000_u32, 0..2_000_u32), 0..400),
    ) {
        let runs = runs(offset, &lengths);
        let encoded = encode(offset, &runs);
        prop_assert!(encoded.text.len() <= METADATA_LIMIT_BYTES);
        prop_assert!(encoded.text.is_ascii());
        prop_assert_eq!(encoded.left_out, 0);
        prop_assert_eq!(decode(offset, &encoded.text), Ok(runs));
    }

    #[test]
    fn any_text_is_decoded_or_refused(offset in any::<i64>(), text in ".{0,200}", format in "[bBrR]", tail in "[A-Za-z0-9+/]{0,200}") {
        let _ = decode(offset, &text);
        let _ = decode(offset, &format!("hw{format}{tail}"));
    }

    #[test]
    fn any_body_is_decoded_in_bounds(offset in 0_i64.., format in 0..4_usize, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let format = b"bBrR"[format];
        let mut bytes = body.clone();
        bytes.extend_from_slice(&checksum(offset, format, &body).to_be_bytes());
        if let Ok(runs) = decode(offset, &format!("hw{}{}", format as char, BASE64.encode(bytes))) {
            for pair in runs.windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
            prop_assert!(runs.iter().all(|run| offset <= run.start && run.start < run.end));
        }
    }

    #[test]
    fn the_cheap_bound_never_says_yes_wrongly(lengths in prop::collection::vec((0..40_u32, 0..40_u32), 1..900)) {
        let runs = runs(0, &lengths);
        let span = runs.last().map_or(0, |run| run.end);
        if surely_below(span, METADATA_PAUSE_BYTES) {
            prop_assert!(encode(0, &runs).text.len() < METADATA_PAUSE_BYTES);
        }
    }
}
