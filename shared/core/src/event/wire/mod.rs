//! The documents and events as producers write them: what may be said, before anything is known to be right.
//!
//! These types decide the JSON Schemas in `events/`. Turning them into checked values is the business of [`crate::model`].

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::correlation::{self, CorrelationId};

mod documents;
mod policy;

pub use documents::*;
pub use policy::*;

/// One governance event, as it stands in an SQS message or in the `detail` of an EventBridge event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Event {
    /// A policy was written for the first time.
    #[serde(rename = "policy.created")]
    PolicyCreated {
        /// The whole policy.
        policy: PolicyDocument,
    },
    /// A policy was changed.
    #[serde(rename = "policy.updated")]
    PolicyUpdated {
        /// The whole policy.
        policy: PolicyDocument,
    },
    /// A policy was put aside for review; it enforces nothing until it is enabled.
    #[serde(rename = "policy.staged")]
    PolicyStaged(Versioned),
    /// A policy was switched off everywhere.
    #[serde(rename = "policy.disabled")]
    PolicyDisabled(Versioned),
    /// A staged or disabled policy was switched on.
    #[serde(rename = "policy.enabled")]
    PolicyEnabled(Versioned),
    /// A policy was removed for good.
    #[serde(rename = "policy.deleted")]
    PolicyDeleted(Versioned),
    /// A policy was switched off for one data source.
    #[serde(rename = "policy.disabled_for_data_source")]
    PolicyDisabledForDataSource(PolicyOnDataSource),
    /// A policy was switched on again for one data source.
    #[serde(rename = "policy.enabled_for_data_source")]
    PolicyEnabledForDataSource(PolicyOnDataSource),
    /// Definitions of policies are to be written to the warehouses again, though none of them changed.
    #[serde(rename = "policy.refresh")]
    PolicyRefresh(Refresh),
    /// A table, view or external table was registered.
    #[serde(rename = "data_source.created")]
    DataSourceCreated {
        /// The whole data source.
        data_source: DataSourceDocument,
    },
    /// A registered data source changed: its columns, types, tags or place.
    #[serde(rename = "data_source.updated")]
    DataSourceUpdated {
        /// The whole data source.
        data_source: DataSourceDocument,
    },
    /// A data source was switched off; its view is withdrawn.
    #[serde(rename = "data_source.disabled")]
    DataSourceDisabled(Versioned),
    /// A data source was switched on again.
    #[serde(rename = "data_source.enabled")]
    DataSourceEnabled(Versioned),
    /// A data source was removed for good.
    #[serde(rename = "data_source.deleted")]
    DataSourceDeleted(Versioned),
    /// Data sources are to be rendered again, though no document of theirs changed.
    #[serde(rename = "data_source.refresh")]
    DataSourceRefresh(Refresh),
    /// A user was added.
    #[serde(rename = "user.created")]
    UserCreated {
        /// The whole user.
        user: UserDocument,
    },
    /// A user changed.
    #[serde(rename = "user.updated")]
    UserUpdated {
        /// The whole user.
        user: UserDocument,
    },
    /// A user was removed for good.
    #[serde(rename = "user.deleted")]
    UserDeleted(Versioned),
    /// The groups of a user changed.
    #[serde(rename = "user.groups_changed")]
    UserGroupsChanged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// All groups the user is in now.
        groups: Vec<String>,
    },
    /// The attributes of a user changed.
    #[serde(rename = "user.attributes_changed")]
    UserAttributesChanged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// All attributes of the user now, each with all of its values.
        attributes: BTreeMap<String, Vec<String>>,
    },
    /// A user switched to another project, or to none.
    #[serde(rename = "user.project_switched")]
    UserProjectSwitched {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// The project the user works in now; absent or null for none.
        #[serde(default)]
        project: Option<String>,
    },
    /// A user acknowledged a purpose of a project.
    #[serde(rename = "user.purpose_acknowledged")]
    UserPurposeAcknowledged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// The project that has the purpose.
        project: String,
        /// The purpose acknowledged.
        purpose: String,
    },
    /// A user's request to see a data source was approved.
    #[serde(rename = "user.subscription_approved")]
    UserSubscriptionApproved(Subscription),
    /// A user's approval to see a data source was taken back.
    #[serde(rename = "user.subscription_revoked")]
    UserSubscriptionRevoked(Subscription),
    /// Profiles are to be written again, though no document of theirs changed.
    #[serde(rename = "user.refresh")]
    UserRefresh(Refresh),
    /// A project was added.
    #[serde(rename = "project.created")]
    ProjectCreated {
        /// The whole project.
        project: ProjectDocument,
    },
    /// A project changed.
    #[serde(rename = "project.updated")]
    ProjectUpdated {
        /// The whole project.
        project: ProjectDocument,
    },
    /// A project was removed for good.
    #[serde(rename = "project.deleted")]
    ProjectDeleted(Versioned),
    /// A warehouse was connected.
    #[serde(rename = "integration.created")]
    IntegrationCreated {
        /// The whole integration.
        integration: IntegrationDocument,
    },
    /// How a warehouse is connected changed.
    #[serde(rename = "integration.updated")]
    IntegrationUpdated {
        /// The whole integration.
        integration: IntegrationDocument,
    },
    /// A warehouse is given up: everything that Redoubt made in it goes.
    #[serde(rename = "integration.deleted")]
    IntegrationDeleted(IntegrationRemoval),
    /// Warehouses are to be set up and looked at again, though no document of theirs changed.
    #[serde(rename = "integration.refresh")]
    IntegrationRefresh(Refresh),
}

/// Which document changed, and the producer's counter of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    /// Which document.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
}

/// A policy and one data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyOnDataSource {
    /// Which policy.
    pub id: String,
    /// The producer's counter.
    pub version: u64,
    /// On which data source.
    pub data_source: String,
}

/// A user and one data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Which user.
    pub id: String,
    /// The producer's counter.
    pub version: u64,
    /// The data source approved or revoked.
    pub data_source: String,
}

/// Targets to render again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Which documents, at most 100.
    pub ids: Vec<String>,
    /// How often a failed statement was tried before this refresh.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// When the event that led to this was received, in milliseconds since 1970. Redoubt's own, to measure how long a change
    /// takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<u64>,
}

impl Event {
    /// The event as it is sent, with what logs are to call it.
    ///
    /// # Errors
    /// When the event has no JSON form.
    pub fn labelled(&self, correlation_id: Option<&CorrelationId>) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let (Some(id), Some(fields)) = (correlation_id, value.as_object_mut()) {
            fields.insert(correlation::FIELD.to_owned(), Value::from(id.as_str()));
        }
        Ok(value)
    }

    /// When what led to this event was received, in milliseconds since 1970, where the event itself says so.
    #[must_use]
    pub fn received_at(&self) -> Option<u64> {
        match self {
            Self::PolicyRefresh(it)
            | Self::DataSourceRefresh(it)
            | Self::UserRefresh(it)
            | Self::IntegrationRefresh(it) => it.received_at,
            _ => None,
        }
    }

    /// Whether it is one that Redoubt's functions send each other.
    #[must_use]
    pub fn is_refresh(&self) -> bool {
        matches!(
            self,
            Self::PolicyRefresh(_) | Self::DataSourceRefresh(_) | Self::UserRefresh(_) | Self::IntegrationRefresh(_)
        )
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}
