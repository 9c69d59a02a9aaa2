//! InitProducerId for idempotent producers.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Call;
use super::errors::log_storage_error;

/// Producer id and epoch of "none".
const NO_ID: i64 = -1;
const NO_EPOCH: i16 = -1;

/// Gives a new id with epoch 0. A producer that asks to have its epoch raised (KIP-360) gets a new id
/// too, which serves the same end: a fresh sequence that nothing of the past can be confused with.
pub(super) fn init(call: &Call<'_>, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let none = InitProducerIdResponse::default()
        .with_producer_id(ProducerId(NO_ID))
        .with_producer_epoch(NO_EPOCH);
    if request.transactional_id.is_some() {
        // Not one of the errors that clients retry for ever.
        return none.with_error_code(ResponseError::InvalidRequest.code());
    }
    match call.cluster.producer_ids.next() {
        Ok(id) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(0),
        Err(error) => {
            log_storage_error(&error);
            none.with_error_code(ResponseError::KafkaStorageError.code())
        }
    }
}
