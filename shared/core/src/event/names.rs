//! The names of event types as they stand in `type` and in EventBridge's `detail-type`.

use super::wire::Event;

impl Event {
    /// All event types, in the order of the variants.
    pub const TYPES: [&'static str; 32] = [
        "policy.created",
        "policy.updated",
        "policy.staged",
        "policy.disabled",
        "policy.enabled",
        "policy.deleted",
        "policy.disabled_for_data_source",
        "policy.enabled_for_data_source",
        "policy.refresh",
        "data_source.created",
        "data_source.updated",
        "data_source.disabled",
        "data_source.enabled",
        "data_source.deleted",
        "data_source.refresh",
        "user.created",
        "user.updated",
        "user.deleted",
        "user.groups_changed",
        "user.attributes_changed",
        "user.project_switched",
        "user.purpose_acknowledged",
        "user.subscription_approved",
        "user.subscription_revoked",
        "user.refresh",
        "project.created",
        "project.updated",
        "project.deleted",
        "integration.created",
        "integration.updated",
        "integration.deleted",
        "integration.refresh",
    ];

    /// The event's type as it stands on the wire, for logs, metrics and `detail-type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::PolicyCreated { .. } => "policy.created",
            Self::PolicyUpdated { .. } => "policy.updated",
            Self::PolicyStaged(_) => "policy.staged",
            Self::PolicyDisabled(_) => "policy.disabled",
            Self::PolicyEnabled(_) => "policy.enabled",
            Self::PolicyDeleted(_) => "policy.deleted",
            Self::PolicyDisabledForDataSource(_) => "policy.disabled_for_data_source",
            Self::PolicyEnabledForDataSource(_) => "policy.enabled_for_data_source",
            Self::PolicyRefresh(_) => "policy.refresh",
            Self::DataSourceCreated { .. } => "data_source.created",
            Self::DataSourceUpdated { .. } => "data_source.updated",
            Self::DataSourceDisabled(_) => "data_source.disabled",
            Self::DataSourceEnabled(_) => "data_source.enabled",
            Self::DataSourceDeleted(_) => "data_source.deleted",
            Self::DataSourceRefresh(_) => "data_source.refresh",
            Self::UserCreated { .. } => "user.created",
            Self::UserUpdated { .. } => "user.updated",
            Self::UserDeleted(_) => "user.deleted",
            Self::UserGroupsChanged { .. } => "user.groups_changed",
            Self::UserAttributesChanged { .. } => "user.attributes_changed",
            Self::UserProjectSwitched { .. } => "user.project_switched",
            Self::UserPurposeAcknowledged { .. } => "user.purpose_acknowledged",
            Self::UserSubscriptionApproved(_) => "user.subscription_approved",
            Self::UserSubscriptionRevoked(_) => "user.subscription_revoked",
            Self::UserRefresh(_) => "user.refresh",
            Self::ProjectCreated { .. } => "project.created",
            Self::ProjectUpdated { .. } => "project.updated",
            Self::ProjectDeleted(_) => "project.deleted",
            Self::IntegrationCreated { .. } => "integration.created",
            Self::IntegrationUpdated { .. } => "integration.updated",
            Self::IntegrationDeleted(_) => "integration.deleted",
            Self::IntegrationRefresh(_) => "integration.refresh",
        }
    }
}
