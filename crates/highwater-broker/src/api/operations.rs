//! What a client may do, as a set of bits: without an authorizer, everything.

/// The operations were not asked for.
pub(super) const NOT_ASKED: i32 = i32::MIN;

const READ: i32 = 1 << 3;
const DELETE: i32 = 1 << 6;
const DESCRIBE: i32 = 1 << 8;
const DESCRIBE_CONFIGS: i32 = 1 << 10;
const ALTER_CONFIGS: i32 = 1 << 11;

pub(super) fn of_group(asked: bool) -> i32 {
    if asked {
        READ | DELETE | DESCRIBE | DESCRIBE_CONFIGS | ALTER_CONFIGS
    } else {
        NOT_ASKED
    }
}
