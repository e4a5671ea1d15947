//! Profiles, and what users have in them.

use std::collections::BTreeMap;

use super::{Judge, MAX_REVISION, Row, cell, content::target, number, truth};
use crate::{
    drift::{Account, Kind, Page, Question, Remedy, query::ACCOUNTS, remedy},
    record,
    render::profile::{claim_of, revision_of},
    sql::Text,
};

impl Judge<'_> {
    /// Every account of the range that has a profile, or should have one.
    pub(super) fn profiles(&mut self, page: &Page) {
        let (Some(profiles), Some(entitlements)) = (self.rows(Question::Profiles), self.rows(Question::Entitlements))
        else {
            return;
        };
        // Where an answer is cut off, nothing is known of what comes after.
        let end = |rows: &[Row]| {
            let cut = rows.len() >= ACCOUNTS;
            rows.last().filter(|_| cut).map(|row| cell(row, 0).to_owned())
        };
        let end = [end(profiles), end(entitlements)].into_iter().flatten().min();
        let known = |account: &str| end.as_deref().is_none_or(|end| account < end);
        let mut there: BTreeMap<&str, (Vec<&Row>, Option<&Row>)> = BTreeMap::new();
        for row in profiles {
            there.entry(cell(row, 0)).or_default().0.push(row);
        }
        for row in entitlements {
            there.entry(cell(row, 0)).or_default().1 = Some(row);
        }
        for account in page.accounts.keys() {
            there.entry(account).or_default();
        }
        for (account, (profiles, entitlements)) in there {
            if !known(account) {
                continue;
            }
            match page.accounts.get(account) {
                None => self.nobody(account, &profiles, entitlements),
                Some(None) => {}
                Some(Some(expected)) => self.profile(account, expected, &profiles, entitlements),
            }
        }
    }

    /// An account that no user has may have an empty profile, from a user who had it.
    fn nobody(&mut self, account: &str, profiles: &[&Row], entitlements: Option<&Row>) {
        if entitlements.is_none() && !profiles.iter().any(|row| truth(row, 2)) {
            return;
        }
        let object = format!("profile of account `{account}`");
        let remedy = self.forgotten(account, profiles);
        self.note(Kind::ProfileOfNobody, object, "a profile", "none, since no user has the account", remedy);
    }

    fn profile(&mut self, account: &str, expected: &Account, profiles: &[&Row], entitlements: Option<&Row>) {
        let object = format!("profile of user `{}`", expected.user);
        let wanted = format!("the one of revision {}", revision_of(expected.revision));
        let user = || target(record::Kind::User, expected.user.as_str());
        let (rows, digest) = entitlements
            .map_or((0, 0), |row| (number(row, 1).unwrap_or_default(), cell(row, 2).parse().unwrap_or(u128::MAX)));
        let [row] = profiles else {
            if profiles.is_empty() && !expected.active && rows == 0 {
                return;
            }
            let found = format!("{} of them", profiles.len());
            // Of several, each with a revision of its own, any may count as the newest.
            let remedy = if profiles.is_empty() {
                Remedy::Render(user())
            } else {
                and_render(self.forgotten(account, profiles), user())
            };
            return self.note(Kind::ProfileChanged, object, found, wanted, remedy);
        };
        let revision = number(row, 1);
        let right = revision == Some(expected.revision)
            && truth(row, 2) == expected.active
            && cell(row, 3) == expected.project.as_deref().unwrap_or_default()
            && (rows, digest) == (expected.rows, expected.digest);
        if right {
            return;
        }
        let found = if revision == Some(expected.revision) {
            format!("other contents, {rows} entitlements instead of {}", expected.rows)
        } else {
            format!("revision {}", revision.map_or(0, revision_of))
        };
        let remedy = match revision {
            Some(found) if found <= expected.revision => Remedy::Render(user()),
            Some(found) if claim_of(found) == expected.claim && revision_of(found) < MAX_REVISION => {
                Remedy::RenderAbove(user(), revision_of(found))
            }
            // Nothing that Redoubt says of this user would ever count as newer.
            _ => and_render(self.forgotten(account, profiles), user()),
        };
        self.note(Kind::ProfileChanged, object, found, wanted, remedy);
    }

    /// To take a profile away as it was seen.
    fn forgotten(&self, account: &str, profiles: &[&Row]) -> Remedy {
        let Ok(text) = Text::new(account) else { return Remedy::report() };
        let revisions: Vec<Option<u64>> = match profiles {
            [] => vec![None],
            rows => rows.iter().map(|row| number(row, 1)).collect(),
        };
        let mut statements = Vec::new();
        for revision in revisions {
            match remedy::forget(self.integration, &text, revision) {
                Ok(forget) => statements.extend(forget),
                Err(_) => return Remedy::report(),
            }
        }
        Remedy::Delete { statements, then: None, account: text }
    }
}

fn and_render(remedy: Remedy, target: crate::drift::Target) -> Remedy {
    match remedy {
        Remedy::Delete { statements, account, .. } => Remedy::Delete { statements, account, then: Some(target) },
        other => other,
    }
}
