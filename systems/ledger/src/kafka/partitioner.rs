//! Which partition an account belongs to: what Java's default partitioner says of its name, so that every other
//! producer and reader of these topics agrees.

/// The partition of a key among so many, as `DefaultPartitioner` of Kafka's Java client computes it: murmur2, without
/// its sign, modulo the number of partitions.
///
/// # Panics
/// Never: of fewer than one partition the answer is 0.
pub(crate) fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let positive = i32::from_ne_bytes(murmur2(key).to_ne_bytes()) & i32::MAX;
    positive.checked_rem(partitions).unwrap_or(0)
}

/// Austin Appleby's MurmurHash2 with the seed that Kafka has chosen.
fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that the tests of Kafka's Java client name.
    #[test]
    fn it_hashes_as_java_does() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(
                i32::from_ne_bytes(murmur2(key.as_bytes()).to_ne_bytes()),
                hash,
                "{key}"
            );
        }
    }

    #[test]
    fn a_partition_is_one_of_them() {
        for partitions in [1, 2, 7] {
            assert!((0..100).all(|n| (0..partitions).contains(&partition_of(&[n], partitions))));
        }
        assert_eq!(partition_of(b"x", 0), 0);
    }
}
