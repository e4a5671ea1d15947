//! Who may see any row at all.

use serde::Serialize;

use super::{Facts, PolicyRef, decide::decide, verdict::Verdict};
use crate::{
    model::{Condition, Entitlement, EntitlementKind, policy::Level},
    resolve::AppliedLevel,
};

/// Whether a user may see any row, and what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Whether the user may: they have a profile, one of the ways in is open to them, and every guardrail holds.
    pub visible: bool,
    /// Whether Redshift knows the user at all. Whoever it does not know sees nothing, whatever the policies say.
    pub profile: bool,
    /// The ways in, one of which is enough; never empty.
    pub grants: Vec<Way>,
    /// What must hold besides, each for itself.
    pub guardrails: Vec<Way>,
}

/// A subscription policy, held against a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The policy; none where no policy grants, so that only those approved are let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRef>,
    /// Whom it lets in.
    pub level: WayLevel,
    /// Whether the user is one of them.
    pub verdict: Verdict,
}

/// Whom a subscription policy lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WayLevel {
    /// Everyone who has a profile.
    Anyone,
    /// Those who were approved.
    Approval,
    /// Those who meet a condition.
    Entitlement,
    /// Those listed.
    Individuals,
}

impl WayLevel {
    /// The word in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Approval => "approval",
            Self::Entitlement => "entitlement",
            Self::Individuals => "individuals",
        }
    }
}

impl Access {
    pub(super) fn of(facts: &Facts<'_>, levels: &[AppliedLevel<'_>]) -> Self {
        let ways = |guardrail: bool| -> Vec<Way> {
            levels.iter().filter(|applied| applied.guardrail == guardrail).map(|applied| way(facts, applied)).collect()
        };
        let mut grants = ways(false);
        if grants.is_empty() {
            grants.push(Way { policy: None, level: WayLevel::Approval, verdict: approval(facts) });
        }
        let guardrails = ways(true);
        let visible = facts.has_profile
            && grants.iter().any(|way| way.verdict.is_met())
            && guardrails.iter().all(|way| way.verdict.is_met());
        Self { visible, profile: facts.has_profile, grants, guardrails }
    }
}

fn way(facts: &Facts<'_>, applied: &AppliedLevel<'_>) -> Way {
    let (level, verdict) = match applied.level {
        Level::Anyone => (WayLevel::Anyone, Verdict::of_profile(facts.has_profile)),
        Level::Approval => (WayLevel::Approval, approval(facts)),
        Level::Entitlement(condition) => (WayLevel::Entitlement, decide(condition, facts.user, &facts.projects)),
        Level::Individuals(users) => {
            let listed = Entitlement { kind: EntitlementKind::User, name: None, values: users.clone() };
            (WayLevel::Individuals, decide(&Condition::Has(listed), facts.user, &facts.projects))
        }
    };
    Way { policy: Some(PolicyRef::new(applied.policy)), level, verdict }
}

fn approval(facts: &Facts<'_>) -> Verdict {
    let approved = Entitlement::one(EntitlementKind::Approval, facts.source.id.text().clone());
    decide(&Condition::Has(approved), facts.user, &facts.projects)
}
