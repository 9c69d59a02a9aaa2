//! InitProducerId, with and without a transactional id.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Call;
use super::errors::log_storage_error;
use super::transactions::{coordinates, fenced_as_known};
use crate::transaction::{Identity, NO_EPOCH, NO_ID};

/// First version in which clients know PRODUCER_FENCED, and can name the id and epoch they have.
const FENCED_VERSION: i16 = 4;

pub(super) fn init(call: &Call<'_>, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    match try_init(call, request) {
        Ok(identity) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(identity.producer_id))
            .with_producer_epoch(identity.epoch),
        Err(error) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(NO_ID))
            .with_producer_epoch(NO_EPOCH)
            .with_error_code(fenced_as_known(error, call.version, FENCED_VERSION).code()),
    }
}

/// Without a transactional id nothing is fenced, and every request gets a new id.
fn try_init(call: &Call<'_>, request: &InitProducerIdRequest) -> Result<Identity, ResponseError> {
    let (producer_id, epoch) = (request.producer_id.0, request.producer_epoch);
    let expected = match (producer_id == NO_ID, epoch == NO_EPOCH) {
        (true, true) => None,
        (false, false) => Some(Identity { producer_id, epoch }),
        _ => return Err(ResponseError::InvalidRequest),
    };
    match &request.transactional_id {
        Some(id) => {
            coordinates(call, id)?;
            let timeout_ms = request.transaction_timeout_ms;
            call.cluster
                .transactions
                .init(call.cluster, id, timeout_ms, expected)
        }
        None => match call.cluster.producer_ids.next() {
            Ok(producer_id) => Ok(Identity {
                producer_id,
                epoch: 0,
            }),
            Err(error) => {
                log_storage_error(&error);
                Err(ResponseError::KafkaStorageError)
            }
        },
    }
}
