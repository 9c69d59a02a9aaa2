//! Access control lists and credentials: a code for each entry, filter or user.
//!
//! Invariant: entries keep their order, because Kafka's answers to them carry no other key.

use std::collections::BTreeSet;

use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, CreateAclsRequest,
    CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
};

use super::Refused;

impl Refused for CreateAclsRequest {
    fn refused(self, _version: i16, error: i16) -> CreateAclsResponse {
        let results = vec![
            AclCreationResult::default()
                .with_error_code(error)
                .with_error_message(None);
            self.creations.len()
        ];
        CreateAclsResponse::default().with_results(results)
    }
}

impl Refused for DeleteAclsRequest {
    fn refused(self, _version: i16, error: i16) -> DeleteAclsResponse {
        let results = vec![
            DeleteAclsFilterResult::default()
                .with_error_code(error)
                .with_error_message(None);
            self.filters.len()
        ];
        DeleteAclsResponse::default().with_filter_results(results)
    }
}

impl Refused for AlterUserScramCredentialsRequest {
    /// A user may stand in both lists and is answered once.
    fn refused(self, _version: i16, error: i16) -> AlterUserScramCredentialsResponse {
        let deleted = self.deletions.into_iter().map(|deletion| deletion.name);
        let set = self.upsertions.into_iter().map(|upsertion| upsertion.name);
        let users: BTreeSet<_> = deleted.chain(set).collect();
        let results = users.into_iter().map(|user| {
            AlterUserScramCredentialsResult::default()
                .with_user(user)
                .with_error_code(error)
                .with_error_message(None)
        });
        AlterUserScramCredentialsResponse::default().with_results(results.collect())
    }
}
