//! Who may commit offsets in a transaction (KIP-447).

use kafka_protocol::error::ResponseError;

use super::{CommitRequest, Group, Phase};

impl Group {
    /// Whether offsets may be committed in a transaction now: a member must be one of this generation;
    /// a client that names neither, as those before version 3 of the request do, is let through.
    pub(crate) fn check_transactional_commit(&self, request: &CommitRequest) -> Result<(), ResponseError> {
        if request.generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        let anonymous =
            request.generation < 0 && request.member_id.is_empty() && request.instance_id.is_none();
        if anonymous {
            return Ok(());
        }
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.check_generation(request.generation)
    }
}
